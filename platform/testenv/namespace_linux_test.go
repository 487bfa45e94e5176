package testenv

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

func TestNamespace(t *testing.T) {
	if !Namespace(t) {
		return
	}
	links, err := net.Interfaces()
	if err != nil || len(links) != 1 || links[0].Flags&net.FlagUp == 0 {
		t.Errorf("links = %v, %v; want lo alone, up", links, err)
	}
	if b, err := os.ReadFile("/etc/resolv.conf"); err != nil || string(b) != Resolv {
		t.Errorf("resolv.conf = %q, %v", b, err)
	}
	if err := os.WriteFile("/etc/resolv.conf.new", []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename("/etc/resolv.conf.new", "/etc/resolv.conf"); err != nil {
		t.Errorf("resolv.conf cannot be renamed over: %v", err)
	}
	if err := os.WriteFile("/run/mark", nil, 0o644); err != nil {
		t.Error(err)
	}
}

func TestNamespaceOfSubtest(t *testing.T) {
	t.Run("a b/c", func(t *testing.T) {
		if Namespace(t) && os.Getpid() != 1 {
			t.Error("not in a process namespace")
		}
	})
}

func TestNamespaceLeavesTheMachineAlone(t *testing.T) {
	Require(t, "netns", "overlay")
	before, err := os.ReadFile("/etc/resolv.conf")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	t.Run("inside", func(t *testing.T) {
		if !Namespace(t) {
			return
		}
		if err := os.WriteFile("/etc/resolv.conf", []byte("changed"), 0o644); err != nil {
			t.Fatal(err)
		}
	})
	if inside() {
		return
	}
	if after, _ := os.ReadFile("/etc/resolv.conf"); string(after) != string(before) {
		t.Errorf("the machine's resolv.conf changed to %q", after)
	}
}

func TestEnterRefusesTheMachine(t *testing.T) {
	here, err := netnsOf()
	if err != nil {
		t.Fatal(err)
	}
	if err := enter(here); err == nil || !strings.Contains(err.Error(), here) {
		t.Errorf("enter(%s) = %v", here, err)
	}
	if err := enter("net:[1]"); err == nil || !strings.Contains(err.Error(), "not the first") {
		t.Errorf("enter as an ordinary process = %v", err)
	}
}

func TestTopology(t *testing.T) {
	if !Namespace(t) {
		return
	}
	self, gw := Self(t), NewNS(t, "gw")
	before := Dump(t, self)
	Veth(t, self, "eth0", gw, "eth0")
	self.Run(t, "ip", "address", "add", "192.0.2.2/24", "dev", "eth0")
	Bridge(t, gw, "br0", "eth0")
	gw.Run(t, "ip", "address", "add", "192.0.2.1/24", "dev", "br0")
	gw.SetResolv("nameserver 192.0.2.1\n")
	if got := gw.Run(t, "cat", "/etc/resolv.conf"); got != "nameserver 192.0.2.1\n" {
		t.Errorf("resolv.conf of gw = %q", got)
	}
	if b, _ := os.ReadFile("/etc/resolv.conf"); string(b) != Resolv {
		t.Errorf("resolv.conf of the test = %q", b)
	}
	cmd := gw.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()

	c, err := net.DialTimeout("udp", "192.0.2.1:9", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.LocalAddr().String(); !strings.HasPrefix(got, "192.0.2.2:") {
		t.Errorf("local address %s", got)
	}
	if d := Diff(before, Dump(t, self)); !strings.Contains(d, "+ ") || !strings.Contains(d, `"eth0"`) {
		t.Errorf("the dump does not show the new link: %s", d)
	}
	self.Run(t, "ip", "link", "del", "eth0")
	if d := Diff(before, Dump(t, self)); d != "" {
		t.Errorf("the dump differs although everything is as before:\n%s", d)
	}
}
