package interop

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/gateway"
)

// TestOpenconnectAgainstOurGateway: the embedded gateway serves a client we did not write: login with group, wrong password, a challenge, both
// families, and a reconnect with the same address after its connections were dropped. DTLS is off.
func TestOpenconnectAgainstOurGateway(t *testing.T) {
	t.Parallel()
	m := newMirror(t, nil)
	if m == nil {
		return
	}
	t.Run("wrong password", func(t *testing.T) {
		cmd, log := m.openconnect(account, "not it\n", "--authenticate", "--non-inter")
		if err := cmd.Run(); err == nil {
			t.Errorf("it was let in:\n%s", log)
		}
	})
	t.Run("challenge", func(t *testing.T) {
		cmd, log := m.openconnect("otto", password+"\n424242\n", "--authenticate")
		if err := cmd.Run(); err != nil || !strings.Contains(log.String(), "COOKIE=") {
			t.Errorf("%v\n%s", err, log)
		}
	})
	t.Run("tunnel", func(t *testing.T) {
		s := m.connect("--no-dtls")
		s.reaches("http://[2001:db8:99::2]/", 10*time.Second)
		s.says(`told: reason=connect mtu=1\d+ .*split=10\.99\.0\.0/16 banner=Welcome to the rehearsal`, time.Second)
		was, okWas := s.active()
		m.g.DropConnections()
		s.reaches("http://10.99.0.2/", 30*time.Second)
		is, okIs := s.active()
		if !okWas || !okIs || was.ID != is.ID || is.Reconnects != was.Reconnects+1 || was.Addresses[0] != is.Addresses[0] || is.Group != "staff" || is.Transport != "tls" {
			t.Errorf("session before: %v\nafter: %v", was, is)
		}
		if n := m.counted("udp"); n > 0 {
			t.Errorf("%d bytes by UDP", n)
		}
		s.stop()
		if is, ok := s.active(); ok {
			t.Errorf("the session is still active after the client's goodbye: %v\n%s", is, s.log)
		}
	})
}

// TestOpenconnectByDTLS: its packets really go by UDP, on a channel whose key both ends exported; one that was dropped is made anew; where UDP ends they go by TLS.
func TestOpenconnectByDTLS(t *testing.T) {
	t.Parallel()
	m := newMirror(t, func(c *gateway.Config) { c.Settings.DPD = 2 * time.Second })
	if m == nil {
		return
	}
	s := m.connect()
	s.says(`Established DTLS connection.*\(PSK\)-\(AES-256-GCM\)`, 5*time.Second)
	s.travels("dtls", 5*time.Second)
	const size = 5_000_000
	udp, tcp := m.counted("udp"), m.counted("tcp")
	if err := s.download(size, 0)(); err != nil {
		t.Fatalf("%v\n%s", err, s.log)
	}
	udp, tcp = m.counted("udp")-udp, m.counted("tcp")-tcp
	if udp < size || tcp > size/50 {
		t.Errorf("a download of %d bytes: %d by UDP, %d by TCP", size, udp, tcp)
	}
	t.Logf("a download of %d bytes: %d by UDP, %d by TCP", size, udp, tcp)

	m.g.DropDTLS()
	s.reaches("http://10.99.0.2/", 20*time.Second)
	s.travels("dtls", 20*time.Second)

	m.g.BlockUDP(true)
	s.travels("tls", 20*time.Second)
	s.reaches("http://10.99.0.2/", 5*time.Second)
	if is, _ := s.active(); is.Reconnects != 0 {
		t.Errorf("%v", is)
	}
	s.stop()
}

// TestOpenconnectResumes: where our gateway has no PSK, as Cisco's, openconnect resumes the session that it was told of. Its own suites are those of DTLS 1.2 under ocserv's names, and the
// older DTLS where nothing else is left to it.
func TestOpenconnectResumes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ suites, log string }{
		"DTLS 1.2":            {"", `Established DTLS connection.*\(DTLS1\.2\)-.*\(AES-256-GCM\)`},
		"before the standard": {"AES256-SHA", `Established DTLS connection.*\(DTLS0\.9\)-.*\(AES-256-CBC\)`},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMirror(t, func(g *gateway.Config) { g.DTLS = gateway.DTLS{NoPSK: true, Weak: true} })
			if m == nil {
				return
			}
			var more []string
			if c.suites != "" {
				more = []string{"--dtls-ciphers", c.suites}
			}
			s := m.connect(more...)
			s.says(c.log, 5*time.Second)
			s.travels("dtls", 5*time.Second)
			const size = 2_000_000
			udp := m.counted("udp")
			if err := s.download(size, 0)(); err != nil {
				t.Fatalf("%v\n%s", err, s.log)
			}
			if udp = m.counted("udp") - udp; udp < size {
				t.Errorf("%d bytes by UDP", udp)
			}
			s.stop()
		})
	}
}

// TestOpenconnectWithoutUDP: from the start no datagram passes. The client itself waits 12 s for one before it uses what it has.
func TestOpenconnectWithoutUDP(t *testing.T) {
	t.Parallel()
	m := newMirror(t, nil)
	if m == nil {
		return
	}
	m.g.BlockUDP(true)
	s := m.start()
	s.reaches("http://10.99.0.2/", 25*time.Second)
	s.reaches("http://[2001:db8:99::2]/", 5*time.Second)
	if is, _ := s.active(); is.Transport != "tls" {
		t.Errorf("%v", is)
	}
	s.stop()
}

// TestOpenconnectRekeys: by either method, in the middle of a download that goes on.
func TestOpenconnectRekeys(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"new-tunnel", "ssl"} {
		t.Run(method, func(t *testing.T) {
			m := newMirror(t, func(c *gateway.Config) { c.Settings.RekeyTime, c.Settings.RekeyMethod = 5*time.Second, method })
			if m == nil {
				return
			}
			s := m.connect()
			s.travels("dtls", 5*time.Second)
			if err := s.download(6_000_000, 500_000)(); err != nil {
				t.Errorf("%v\n%s", err, s.log)
			}
			s.travels("dtls", 10*time.Second)
			s.says(`(?i)rekey`, time.Second)
			is, _ := s.active()
			t.Logf("%v", is)
			s.stop()
		})
	}
}

// TestOpenconnectIsTold: MTU, DPD and the session's time are what the gateway says.
func TestOpenconnectIsTold(t *testing.T) {
	t.Parallel()
	m := newMirror(t, func(c *gateway.Config) {
		c.Settings.MTU, c.Settings.SessionTimeout = 1200, 12*time.Second
		c.Pools = c.Pools[:1] // no IPv6 at that MTU
	})
	if m == nil {
		return
	}
	began := time.Now()
	s := m.connect()
	s.says(`told: reason=connect mtu=1200 `, time.Second)
	s.travels("dtls", 5*time.Second)
	if err := s.download(1_000_000, 0)(); err != nil {
		t.Errorf("%v\n%s", err, s.log)
	}
	_ = s.cmd.Wait()
	if took := time.Since(began); took < 11*time.Second || took > 25*time.Second {
		t.Errorf("the client ended after %v\n%s", took, s.log)
	}
	if list := m.g.Sessions(); len(list) != 0 {
		t.Errorf("%v", list)
	}
}
