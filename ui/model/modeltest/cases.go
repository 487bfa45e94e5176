package modeltest

import (
	"math"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

// Case is a situation.
type Case struct {
	Name  string // lower case with hyphens, as files of pictures have it
	Model model.Model
	Now   time.Time
}

// Cases makes all of them in a language, always in the same order.
func Cases(l locale.Language) []Case {
	var all []Case
	for _, s := range situations {
		c := NewScript(l)
		s.play(c)
		all = append(all, Case{s.name, c.Model, c.Now})
	}
	return all
}

// Named is the one of a name; it panics where there is none.
func Named(name string, l locale.Language) Case {
	for _, s := range situations {
		if s.name == name {
			c := NewScript(l)
			s.play(c)
			return Case{s.name, c.Model, c.Now}
		}
	}
	panic("modeltest: there is no case " + name)
}

// situation plays a Case.
type situation struct {
	name string
	play func(*Script)
}

var situations = []situation{
	{"starting", func(s *Script) { s.Send(model.Desktop{HasTray: true}, model.Show{}) }},
	{"agent-absent", gone(fault.AgentUnreachable)},
	{"agent-refused", gone(fault.AgentRefused)},
	{"agent-strange", gone(fault.AgentProtocol)},
	{"agent-hung", gone(fault.AgentSilent)},
	{"agent-older", func(s *Script) { agent(s, Older); s.State(Phase("disconnected", s.Now)) }},
	{"agent-newer", func(s *Script) { agent(s, Newer); s.State(Phase("disconnected", s.Now)) }},
	{"agent-waiting", func(s *Script) {
		connected(s)
		s.Send(model.AgentGone{Err: fault.New(fault.AgentUnreachable, nil)}).Later(2 * time.Second)
	}},
	{"disconnected", func(s *Script) { here(s); s.State(Phase("disconnected", s.Now)) }},
	{"no-hosts", func(s *Script) {
		here(s)
		s.Send(model.Listed{}, model.Ruled{Policy: ipc.Policy{}}).State(Phase("disconnected", s.Now))
	}},
	{"no-hosts-fixed", func(s *Script) {
		here(s)
		s.Send(model.Listed{}, model.Ruled{Policy: Policy("AllowManualHostInput", "false")}).State(Phase("disconnected", s.Now))
	}},
	{"no-tray", func(s *Script) { here(s); s.Send(model.Desktop{}).State(Phase("disconnected", s.Now)) }},
	{"typed", func(s *Script) {
		here(s)
		s.State(Phase("disconnected", s.Now)).Send(model.Choose{Index: -1, Typed: "vpn.partner.example/guests"})
	}},
	{"certificate-kept", func(s *Script) {
		here(s)
		s.State(Phase("disconnected", s.Now)).Send(model.Remembered{Certificates: kept})
	}},
	{"connecting", connecting},
	{"signing-in", func(s *Script) {
		connecting(s)
		st := Phase("connecting", s.Now)
		st.Step = ipc.StepLogin
		s.State(st).Timeline(ipc.Entry{Seq: 2, Phase: "connecting", Event: "answered", Reason: "the gateway has answered"}).Later(time.Second)
	}},
	{"prompt-login", prompt(Login())},
	{"prompt-challenge", prompt(Challenge())},
	{"prompt-banner", prompt(Banner())},
	{"prompt-trust", prompt(Trust())},
	{"prompt-browser", prompt(Browser())},
	{"prompt-wait", func(s *Script) {
		connecting(s)
		st := Phase("connecting", s.Now)
		st.Step, st.Waiting = ipc.StepLogin, &ipc.Waiting{Since: s.Now, Until: s.Now.Add(5 * time.Minute)}
		s.State(st).Later(75 * time.Second)
	}},
	{"prompt-certificate", func(s *Script) {
		failed(fault.AuthCertNeeded)(s)
		s.Send(model.UseCertificate{Target: "Head office"})
	}},
	{"prompt-certificate-locked", func(s *Script) {
		here(s)
		s.State(Phase("disconnected", s.Now)).Send(model.Remembered{Certificates: kept}, model.Connect{})
		answer := model.Answer{Prompt: "certificate", Fields: map[string]redact.Secret{model.CertificateFile: redact.NewString(kept["Head office"])}}
		s.Send(answer, model.Done{Command: model.Unlock{Target: "Head office"}, Err: fault.New(fault.AuthPassphrase, nil)})
	}},
	{"prompt-sent", func(s *Script) { prompt(Login())(s); s.Send(model.Answer{Prompt: "p1"}) }},
	{"prompt-late", func(s *Script) { prompt(Login())(s); s.Later(4*time.Minute + 15*time.Second) }},
	{"establishing", func(s *Script) { connecting(s); s.State(Phase("establishing", s.Now)).Later(time.Second) }},
	{"connected", connected},
	{"connected-tls", session(func(st *ipc.State) {
		since, retry := st.Since.Add(12*time.Minute), st.Since.Add(50*time.Minute)
		st.Transport, st.TransportReason, st.TransportCode = "tls", "nothing comes back by UDP", ipc.TransportUDPBlocked
		st.TransportSince, st.TransportRetryAt = &since, &retry
	})},
	{"connected-busy", func(s *Script) { connected(s); traffic(s, model.GraphSamples+5) }},
	{"connected-ending", func(s *Script) {
		connecting(s)
		st := Phase("connected", s.Now)
		end := s.Now.Add(8 * time.Hour)
		st.Session.Expires, st.Session.Ending = &end, true
		s.State(st)
		away(s, 7*time.Hour+56*time.Minute)
	}},
	{"connected-portal", session(func(st *ipc.State) { yes := true; st.CaptivePortal = &yes })},
	{"connected-impaired", session(func(st *ipc.State) { st.Impaired = []string{"dtls=drop,25s", "loss=20%,1m0s"} })},
	{"connected-back", session(func(st *ipc.State) {
		st.Reconnects = &ipc.Reconnects{Tunnel: 2}
		st.LastReconnect = &ipc.LastReconnect{Level: "tunnel", Code: 1, Reason: "the network changed", DetectedMS: 40, OutageMS: 1830, At: st.Since.Add(11 * time.Minute)}
	})},
	{"connected-probing", session(func(st *ipc.State) { st.Probing = true })},
	{"reconnecting", func(s *Script) {
		connected(s)
		s.State(Phase("reconnecting", s.Now)).Later(12 * time.Second)
	}},
	{"reconnecting-portal", func(s *Script) {
		connected(s)
		st := Phase("reconnecting", s.Now)
		e, yes := Fault(fault.NetPortal), true
		st.Error, st.CaptivePortal = &e, &yes
		s.State(st).Later(12 * time.Second)
	}},
	{"paused", func(s *Script) { connected(s); s.State(Phase("paused", s.Now)).Later(time.Minute) }},
	{"blocked", func(s *Script) { here(s); s.State(Phase("blocked", s.Now)).Later(time.Minute) }},
	{"disconnecting", func(s *Script) { connected(s); s.Send(model.Disconnect{}).State(Phase("disconnecting", s.Now)) }},
	{"other-user", func(s *Script) { here(s); s.State(ipc.Reduce(Phase("connected", s.Now))).Later(time.Minute) }},
	{"other-user-reconnecting", func(s *Script) { here(s); s.State(ipc.Reduce(Phase("reconnecting", s.Now))).Later(time.Minute) }},
	{"failed-silent", failed(fault.NetSilent)},
	{"failed-refused", failed(fault.AuthRefused)},
	{"failed-untrusted", failed(fault.TLSUntrusted)},
	{"failed-certificate", failed(fault.AuthCertNeeded)},
	{"ended-idle", func(s *Script) { connected(s); s.State(Failed(fault.GwIdle, s.Now)) }},
	{"ended-time", func(s *Script) { connected(s); s.State(Failed(fault.GwTime, s.Now)) }},
}

// kept are the files of certificates that were used before.
var kept = map[string]string{"Head office": "/home/alice/alice.p12"}

// agent has an agent of a version come, with hosts and a policy, and the window open.
func agent(s *Script, v ipc.Version) {
	s.Send(model.Desktop{HasTray: true}, model.Show{}, model.AgentHere{Version: v}, model.Listed{Hosts: Hosts}, model.Ruled{Policy: Policy("MinimizeOnConnect", "false")})
}

// here is an agent of our own version.
func here(s *Script) { agent(s, Agent) }

// gone is no agent from the start.
func gone(code fault.Code) func(*Script) {
	return func(s *Script) {
		s.Send(model.Desktop{HasTray: true}, model.Show{}, model.AgentGone{Err: fault.New(code, nil)}).Later(time.Minute)
	}
}

// connecting is a person who has pressed the button.
func connecting(s *Script) {
	here(s)
	s.State(Phase("disconnected", s.Now)).Send(model.Connect{}).State(Phase("connecting", s.Now)).
		Timeline(ipc.Entry{Seq: 1, Phase: "connecting", Event: "connect-requested", Reason: "a connection was asked for: log in"}).Later(time.Second)
}

// prompt is a gateway that asks.
func prompt(p ipc.Prompt) func(*Script) {
	return func(s *Script) { connecting(s); s.State(Asking(p, s.Now)).Later(2 * time.Second) }
}

// connected is a session of three quarters of an hour.
func connected(s *Script) {
	connecting(s)
	s.State(Phase("connected", s.Now))
	away(s, 46*time.Minute+12*time.Second)
}

// away closes the window for a while.
func away(s *Script, d time.Duration) { s.Send(model.Hide{}).Later(d).Send(model.Show{}) }

// session is a session with something more.
func session(more func(*ipc.State)) func(*Script) {
	return func(s *Script) {
		connected(s)
		st := Phase("connected", s.Now.Add(-46*time.Minute))
		more(&st)
		s.State(st).Later(time.Second)
	}
}

// failed is an attempt that came to nothing.
func failed(code fault.Code) func(*Script) {
	return func(s *Script) { connecting(s); s.State(Failed(code, s.Now)).Later(time.Second) }
}

// traffic has packets flow for so many seconds, in waves.
func traffic(s *Script, seconds int) {
	var c ipc.Counters
	for i := range seconds {
		c.RxBytes += uint64(900_000 * (1.4 + math.Sin(float64(i)/5) + 0.3*math.Sin(float64(i)*1.7)))
		c.TxBytes += uint64(140_000 * (1.1 + math.Cos(float64(i)/7)))
		st := Phase("connected", s.Now.Add(-46*time.Minute))
		now := c
		st.Counters = &now
		s.Send(model.Measured{Stats: ipc.Stats{State: st, DurationS: 2760}}).Later(time.Second)
	}
}
