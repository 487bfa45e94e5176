package tunif

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
	"github.com/holdfast-vpn/holdfast/platform/undo"
)

func newTun(t *testing.T) (platform.Tun, *undo.Journal) {
	t.Helper()
	j, err := undo.Open("/run/hf-state", "/run/hf-runtime", undo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return New(j, slog.New(slog.DiscardHandler), nil), j
}

func TestOpenAndClose(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	testenv.Require(t, "tun")
	self := testenv.Self(t)
	maker, j := newTun(t)
	before := testenv.Dump(t, self)
	for range 2 { // a second device after the first
		d, err := maker.Open(t.Context(), 1300)
		if err != nil {
			t.Fatal(err)
		}
		link, err := net.InterfaceByIndex(d.Index())
		if err != nil || link.Name != platform.Interface || d.Name() != platform.Interface || link.MTU != 1300 || link.Flags&net.FlagUp == 0 {
			t.Errorf("link = %+v, %v", link, err)
		}
		if addrs, err := link.Addrs(); err != nil || len(addrs) != 0 {
			t.Errorf("the kernel gave it %v, %v", addrs, err)
		}
		for _, name := range []string{"accept_ra", "accept_redirects"} {
			if b, err := os.ReadFile("/proc/sys/net/ipv6/conf/" + platform.Interface + "/" + name); err != nil || strings.TrimSpace(string(b)) != "0" {
				t.Errorf("%s = %q, %v", name, b, err)
			}
		}
		if got := j.Get(undo.SlotTun); len(got) != 1 {
			t.Errorf("journal = %v", got)
		}
		if _, err := maker.Open(t.Context(), 1300); codeOf(err) != fault.HostTun {
			t.Errorf("a second device beside the first: %v", err)
		}
		if err := errors.Join(d.Close(), d.Close()); err != nil {
			t.Error(err)
		}
		if got := j.Get(undo.SlotTun); len(got) != 0 {
			t.Errorf("journal after Close = %v", got)
		}
		if diff := testenv.Diff(before, testenv.Dump(t, self)); diff != "" {
			t.Errorf("after Close:\n%s", diff)
		}
	}
}

// A link whose MTU is too small for IPv6 has no address generation that could be turned off.
func TestOpenBelowIPv6(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	testenv.Require(t, "tun")
	maker, _ := newTun(t)
	for _, mtu := range []int{576, 1279, 1280} {
		d, err := maker.Open(t.Context(), mtu)
		if err != nil {
			t.Errorf("MTU %d: %v", mtu, err)
			continue
		}
		if link, err := net.InterfaceByIndex(d.Index()); err != nil || link.MTU != mtu || link.Flags&net.FlagUp == 0 {
			t.Errorf("MTU %d: link = %+v, %v", mtu, link, err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestPackets(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	testenv.Require(t, "tun")
	self := testenv.Self(t)
	maker, _ := newTun(t)
	d, err := maker.Open(t.Context(), 1400)
	if err != nil {
		t.Fatal(err)
	}
	self.Run(t, "ip", "address", "add", "10.9.0.5/24", "dev", d.Name())
	c, err := net.Dial("udp", "10.9.0.1:7")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}

	bufs, sizes := make([][]byte, d.BatchSize()), make([]int, d.BatchSize())
	for i := range bufs {
		bufs[i] = make([]byte, 64+1500)
	}
	n, err := d.Read(bufs, sizes, 64)
	if err != nil || n != 1 || sizes[0] != 32 || string(bufs[0][64+28:64+32]) != "ping" {
		t.Fatalf("read %d packets, sizes %v, %v", n, sizes[:max(n, 1)], err)
	}
	// back to where it came from: addresses and ports change places, which no checksum minds
	p := bufs[0][:64+32]
	ip := p[64:]
	for i := range 4 {
		ip[12+i], ip[16+i] = ip[16+i], ip[12+i]
	}
	for i := range 2 {
		ip[20+i], ip[22+i] = ip[22+i], ip[20+i]
	}
	if _, err := d.Write([][]byte{p}, 64); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 10)
	if n, err := c.Read(answer); err != nil || string(answer[:n]) != "ping" {
		t.Errorf("answer %q, %v", answer[:n], err)
	}

	done := make(chan error, 1)
	go func() {
		_, err := d.Read(bufs, sizes, 64)
		done <- err
	}()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err == nil {
		t.Error("Close did not end Read")
	}
}

func TestOpenRefuses(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	testenv.Require(t, "tun")
	self := testenv.Self(t)
	maker, j := newTun(t)
	for _, mtu := range []int{-1, 0, 575, 1501} {
		if _, err := maker.Open(t.Context(), mtu); codeOf(err) != fault.HostTun {
			t.Errorf("MTU %d: %v", mtu, err)
		}
	}
	// a link that somebody else prepared under our name
	self.Run(t, "ip", "tuntap", "add", "mode", "tun", "name", platform.Interface)
	before := testenv.Dump(t, self)
	if _, err := maker.Open(t.Context(), 1400); codeOf(err) != fault.HostTun {
		t.Errorf("the name is taken: %v", err)
	}
	if got := j.Get(undo.SlotTun); len(got) != 0 {
		t.Errorf("journal = %v", got)
	}
	if diff := testenv.Diff(before, testenv.Dump(t, self)); diff != "" {
		t.Errorf("a refused Open changed:\n%s", diff)
	}
}

func codeOf(err error) fault.Code {
	if err == nil {
		return ""
	}
	return fault.As(err).Code
}
