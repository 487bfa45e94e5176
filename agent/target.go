package agent

import (
	"os"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/protocol"
)

const (
	maxName    = 512 // of a group or user name from a client
	maxTimeout = time.Hour
)

// connection is one connect: who asked for what, and what that means.
type connection struct {
	id      string
	owner   string            // localsock.Peer.ID
	name    string            // what names the target: the profile's HostName, or the address
	profile string            // file of the profile, "" without one
	servers []protocol.Target // the target, then its backup servers, as the machine numbers them
	policy  machine.Policy
	local   *profile.Policy // of this machine
	budget  time.Duration
	key     *keyholder // of the client certificate; nil without one

	localLAN  bool // LocalLanAccess
	keepsUser bool // the name of the user may be remembered
	keeps     bool // host and group may be
	asksTrust bool // whose certificate does not hold may be asked about
	came      bool // there was a tunnel
}

// resolve reads what a client asked for. A name that a profile has counts before an address of the same spelling. The one place where something that a client
// sent decides whom the agent dials is here and in profile.ParseTarget: host, port and group path of an https gateway, nothing else.
// What the machine's local policy and the profile forbid is refused here, too. prefs are the user's, the weaker ones first.
func resolve(req ipc.ConnectRequest, known catalog, prefs ...*profile.Preferences) (*connection, error) {
	if len(req.Group) > maxName || len(req.User) > maxName {
		return nil, fault.Newf(fault.UseBad, nil, "a name is too long")
	}
	trust, err := protocol.ParseTrust(req.CAPEM, req.Pins)
	if err != nil {
		return nil, err
	}
	identity, err := identityOf(req.CertPEM)
	if err != nil {
		return nil, err
	}
	policy, err := known.machine.Policy()
	if err != nil {
		return nil, err
	}
	h, prof, found := known.find(req.Target)
	if !found {
		t, err := profile.ParseTarget(req.Target)
		if err != nil {
			return nil, err
		}
		h = profile.Host{Name: t.String(), Target: t}
	}
	if err := allowed(req, h, found || known.machine.ManualHosts(), policy); err != nil {
		return nil, err
	}
	switch {
	case req.Protocol == "" && h.Protocol == profile.IPsec, req.Protocol == "ipsec", req.Protocol == "ikev1":
		return nil, fault.Newf(fault.UseNotYet, nil, "IPsec")
	case req.Protocol != "" && req.Protocol != "ssl":
		return nil, fault.Newf(fault.UseBad, nil, "the protocol is one of ssl, ipsec, ikev1")
	}
	settings := profile.Effective(policy, prof, prefs...).Settings()
	trust.Require = h.Pins
	c := &connection{
		name: h.Name, profile: h.Profile, local: policy,
		policy: machine.Policy{AutoReconnect: settings.AutoReconnect, DisconnectOnSuspend: settings.DisconnectOnSuspend, Backups: len(h.Backups), IgnorePortals: settings.IgnorePortals},
		budget: min(time.Duration(max(req.TimeoutMS, 0))*time.Millisecond, maxTimeout), localLAN: settings.LocalLAN,
		keeps: policy.RemembersTarget(), keepsUser: policy.RemembersUser(), asksTrust: !settings.BlockUntrusted,
	}
	if c.budget == 0 { // backup servers share it: a profile can only lengthen it
		c.budget = max(machine.DefaultBudget, settings.LoginTime)
	}
	hostname, _ := os.Hostname() // without one the header is left out
	for _, t := range append([]profile.Target{h.Target}, h.Backups...) {
		c.servers = append(c.servers, protocol.Target{
			Name: h.Name, Host: t.Host, Port: t.Port, Path: t.Path, Group: req.Group, User: req.User, Trust: trust, Identity: identity, Hostname: hostname,
			Families: protocol.ParseFamilies(settings.Families),
		})
	}
	return c, nil
}

// begin has the gateway's questions begin with what the user gave it the last time.
func (c *connection) begin(was last) {
	for i := range c.servers {
		c.servers[i].Last = protocol.Last{Group: was.Chose, User: was.User}
	}
}

// allowed reports what the machine's local policy, or a profile's wish to be connected to nothing else, says against a connect.
func allowed(req ipc.ConnectRequest, h profile.Host, known bool, policy *profile.Policy) error {
	tunnel := h.Protocol
	if req.Protocol == "ssl" || tunnel == "" {
		tunnel = profile.SSL
	} else if req.Protocol != "" {
		tunnel = profile.IPsec
	}
	switch {
	case policy.Fips():
		return fault.New(fault.PolFips, nil)
	case !known:
		return fault.New(fault.PolManual, nil)
	case policy.Forbids(tunnel):
		return fault.Newf(fault.PolTunnel, nil, "%s", tunnel)
	case len(req.Pins) > 0 && policy.StrictTrust():
		return fault.Newf(fault.PolTrust, nil, "--pin")
	case req.CAPEM != "" && policy.SystemRootsOnly():
		return fault.Newf(fault.PolTrust, nil, "--ca")
	}
	return nil
}

// same reports whether both lead to the same gateway and group as the same person: connecting again to what is connected is done at once.
func (c *connection) same(o *connection) bool {
	a, b := c.servers[0], o.servers[0]
	if b.Identity != nil && (a.Identity == nil || !a.Identity.Leaf.Equal(b.Identity.Leaf)) {
		return false
	}
	return a.Host == b.Host && a.Port == b.Port && a.Path == b.Path && (b.Group == "" || a.Group == b.Group) && (b.User == "" || a.User == b.User)
}
