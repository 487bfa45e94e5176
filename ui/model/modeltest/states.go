package modeltest

import (
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Hosts are those of two profiles.
var Hosts = []ipc.HostEntry{
	{Name: "Head office", Address: "vpn.example.com", Group: "staff", Protocol: "ssl", Profile: "example.xml"},
	{Name: "Branch office Lisbon", Address: "lisbon.vpn.example.com", Protocol: "ssl", Profile: "example.xml"},
	{Name: "Laboratory", Address: "lab.example.net:8443", Protocol: "ssl", Profile: "laboratory.xml"},
}

// Policy is what is in force for a person, with more settings in the place of their defaults, as NAME, VALUE.
func Policy(settings ...string) ipc.Policy {
	p := ipc.Policy{Target: "Head office", Profile: "example.xml", Settings: []ipc.Setting{
		{Name: "AllowManualHostInput", Value: "true", Origin: "default"},
		{Name: "AutoConnectOnStart", Value: "false", Origin: "default", User: true},
		{Name: "MinimizeOnConnect", Value: "true", Origin: "default", User: true},
	}}
	for i := 0; i+1 < len(settings); i += 2 {
		for k := range p.Settings {
			if p.Settings[k].Name == settings[i] {
				p.Settings[k].Value, p.Settings[k].Origin = settings[i+1], "example.xml"
			}
		}
	}
	return p
}

// Phase is a state of a session of this person's with the head office, in one of the contract's phases, since a time.
func Phase(phase string, since time.Time) ipc.State {
	s := ipc.State{State: phase, Since: since, Attempt: "c1", Target: "Head office", Protocol: "ssl", Profile: "example.xml", User: "alice", Group: "staff"}
	switch phase {
	case "disconnected":
		return ipc.State{State: phase, Since: since}
	case "connecting":
		s.Step = ipc.StepReach
	case "authenticating":
		s.Step = ipc.StepLogin
	case "establishing":
		s.Step = ipc.StepApply
	}
	switch phase {
	case "establishing", "connected":
		withSession(&s, since)
	case "reconnecting", "paused":
		withSession(&s, since.Add(-46*time.Minute))
	}
	if phase == "reconnecting" {
		s.Transport = ""
		e := Fault(fault.NetLost)
		s.Error = &e
	}
	return s
}

// withSession adds what a gateway gave when the session began.
func withSession(s *ipc.State, started time.Time) {
	all, verified := false, started
	s.Gateway, s.Cipher, s.Transport, s.Interface, s.MTU = "203.0.113.7:443", "TLS_AES_256_GCM_SHA384", "dtls", "holdfast0", 1390
	s.Addresses = []string{"10.20.30.40/32", "2001:db8:30::40/128"}
	s.DNS = &ipc.DNS{Servers: []string{"10.20.0.53"}, Search: []string{"example.com"}, Split: []string{"example.com"}, Backend: "systemd-resolved"}
	s.SplitInclude, s.TunnelAll, s.VerifiedAt = []string{"10.0.0.0/8", "2001:db8::/32"}, &all, &verified
	s.Session = &ipc.Session{Started: started, IdleTimeoutS: 1800, DisconnectedTimeoutS: 1800, Resumable: true}
	s.Counters, s.Reconnects = &ipc.Counters{}, &ipc.Reconnects{}
}

// Fault is an error as an agent sends it.
func Fault(code fault.Code) ipc.Error {
	f := fault.New(code, nil)
	return ipc.Error{Code: string(code), Message: f.Sentence(), Hint: fault.Lookup(code).Hint}
}

// Failed is the state after an attempt that came to nothing.
func Failed(code fault.Code, since time.Time) ipc.State {
	e := Fault(code)
	return ipc.State{State: "disconnected", Since: since, Attempt: "c1", Target: "Head office", Protocol: "ssl", Profile: "example.xml", Error: &e}
}

// Asking is the state while the gateway asks something.
func Asking(p ipc.Prompt, since time.Time) ipc.State {
	s := Phase("authenticating", since)
	p.Until = since.Add(5 * time.Minute)
	s.Prompt = &p
	return s
}

// Login is the usual first form: a group, a name, a password.
func Login() ipc.Prompt {
	return ipc.Prompt{ID: "p1", Kind: "form", Title: "Login", Message: "Please enter your username and password.", Fields: []ipc.Field{
		{Name: "group_list", Label: "GROUP:", Type: "select", Value: "staff", Options: []ipc.Option{{Value: "staff", Label: "Staff"}, {Value: "guests", Label: "Guests and partners"}}},
		{Name: "username", Label: "Username:", Type: "text", Value: "alice"},
		{Name: "password", Label: "Password:", Type: "password"},
	}}
}

// Challenge is a second form: a code, after one that was wrong.
func Challenge() ipc.Prompt {
	return ipc.Prompt{ID: "p2", Kind: "form", Message: "Enter the code that your authenticator shows.", Error: "Login failed. The code is wrong or was used before.",
		Fields: []ipc.Field{{Name: "password2", Label: "Code:", Type: "password"}}}
}

// Banner is a text to accept.
func Banner() ipc.Prompt {
	return ipc.Prompt{ID: "p3", Kind: "banner", Title: "Example Ltd.", Message: "This network is for people of Example Ltd. and their guests.\n\nWhat happens here is recorded. Who goes on agrees to the rules of use of March 2026."}
}

// Browser is a sign-in page.
func Browser() ipc.Prompt {
	return ipc.Prompt{ID: "p4", Kind: "browser", Fields: []ipc.Field{{Name: ipc.ResponseField, Type: "text"}}, Browser: &ipc.Browser{
		URL: "https://login.example.org/saml?SAMLRequest=fZJNT8MwDIb&RelayState=4711", Host: "login.example.org", Gateway: "vpn.example.com", Port: 29786,
	}}
}

// Trust is a gateway that cannot be verified.
func Trust() ipc.Prompt {
	return ipc.Prompt{ID: "p5", Kind: "trust", Trust: &ipc.Trust{
		Host: "vpn.example.com", Problems: []string{ipc.ProblemAuthority, ipc.ProblemExpired},
		Pin:         "sha256:3f9a1c77d08e52b64c1be0a97d5533f8e6402b19cf7a884d21e05c9b6ad7f310",
		Certificate: "9b2e04d1c6775fa83b1d90ce42a8f61b7730d5e9184fc2ab6e90137dd5518c4f",
		Subject:     "vpn.example.com", Issuer: "Example Ltd. internal CA", Names: []string{"vpn.example.com", "remote.example.com"},
		NotBefore: time.Date(2024, time.February, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2026, time.February, 1, 0, 0, 0, 0, time.UTC),
	}}
}
