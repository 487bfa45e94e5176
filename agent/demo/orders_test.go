package demo

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

func TestParseOrder(t *testing.T) {
	for _, line := range []string{"restart=keep,5s", "restart=lose,1m", "udp=drop,30s", "udp=refuse,100ms", "dtls=hang", "dtls=forget", "tls=hang", "tls=close", "gateway=refuse,5s", "connect=503,5s", "connect=401,5s",
		"connect=html,5s", "login=503,5s", "late=3s,30s", "mtu=1280,30s", "session=revoke", "session=kick", "address=change"} {
		o, why := parseOrder(line)
		if why != "" || o.lasts > 0 != strings.Contains(line, ",") {
			t.Errorf("%q: %+v, %s", line, o, why)
		}
	}
	for _, line := range []string{"restart", "restart=keep", "restart=keep,", "restart=keep,0s", "restart=keep,1h", "dtls=hang,5s", "late=,5s", "late=3s", "late=1h,5s", "mtu=100,5s", "mtu=x,5s", "mtu=", "rm -rf", "=", ",", "a=b",
		strings.Repeat("x", maxOrder+1)} {
		if o, why := parseOrder(line); why == "" {
			t.Errorf("%q is taken as %+v", line, o)
		}
	}
	for name := range troubles {
		if !strings.Contains(orderHelp(), name) {
			t.Errorf("help does not name %s", name)
		}
	}
}

// FuzzParseOrder: what is taken is one of the troubles and in bounds.
func FuzzParseOrder(f *testing.F) {
	f.Add("restart=keep,5s")
	f.Add("late=3s,30s")
	f.Add("mtu=1280,30s")
	f.Fuzz(func(t *testing.T, line string) {
		o, why := parseOrder(line)
		if why != "" {
			return
		}
		b, ok := troubles[o.what]
		if !ok || b.timed != (o.lasts > 0) || o.lasts > mostTime || o.late > mostTime || o.value < 0 || o.value > 1500 {
			t.Errorf("%q: %+v", line, o)
		}
	})
}

// TestRehearseOrders: a gateway on loopback goes away and comes back at the same address as it is told, says what it does, and refuses nonsense.
func TestRehearseOrders(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, orders := io.Pipe()
	said, out := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- Rehearse(ctx, RehearseOptions{Listen: "127.0.0.1:0"}, in, out); out.Close() }()
	lines := make(chan string, 1000) // it never waits for us
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(said); s.Scan(); {
			lines <- s.Text()
		}
	}()
	await := func(want string) string {
		t.Helper()
		late := time.After(20 * time.Second)
		for {
			select {
			case line, ok := <-lines:
				if strings.HasPrefix(line, want) {
					return line
				}
				if ok {
					continue
				}
			case <-late:
			}
			t.Fatalf("it never said %q", want)
		}
	}
	at, _, _ := strings.Cut(strings.TrimPrefix(await("listening on "), "listening on "), ",")
	await("inside")
	reachable := func() bool {
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", at, &tls.Config{InsecureSkipVerify: true}) // it is asked whether it is there, nothing else
		if err == nil {
			c.Close()
		}
		return err == nil
	}
	if !reachable() {
		t.Fatal("it is not there")
	}
	for _, order := range []string{"non=sense", "restart=keep,10m", "help"} {
		fmt.Fprintln(orders, order)
	}
	await("error: there is no")
	await("broken     restart=keep,10m")
	await("off ")
	if reachable() {
		t.Error("it is there although it is away")
	}
	fmt.Fprintln(orders, "off")
	await("mended     restart=keep")
	if !reachable() {
		t.Error("it is not back")
	}
	fmt.Fprintln(orders, "connect=503,100ms")
	await("mended     connect=503")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	orders.Close()
}
