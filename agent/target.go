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
	budget  time.Duration
	key     *keyholder // of the client certificate; nil without one
}

// resolve reads what a client asked for. A name that a profile has counts before an address of the same spelling. The one place where something that a client
// sent decides whom the agent dials is here and in profile.ParseTarget: host, port and group path of an https gateway, nothing else.
func resolve(req ipc.ConnectRequest, store *profile.Store) (*connection, error) {
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
	h, prof, found := store.Find(req.Target)
	if !found {
		t, err := profile.ParseTarget(req.Target)
		if err != nil {
			return nil, err
		}
		h = profile.Host{Name: t.String(), Target: t}
	}
	switch {
	case req.Protocol == "" && h.Protocol == profile.IPsec, req.Protocol == "ipsec", req.Protocol == "ikev1":
		return nil, fault.Newf(fault.UseNotYet, nil, "IPsec")
	case req.Protocol != "" && req.Protocol != "ssl":
		return nil, fault.Newf(fault.UseBad, nil, "the protocol is one of ssl, ipsec, ikev1")
	}
	settings := prof.Settings()
	c := &connection{
		name: h.Name, profile: h.Profile,
		policy: machine.Policy{AutoReconnect: settings.AutoReconnect, DisconnectOnSuspend: settings.DisconnectOnSuspend, Backups: len(h.Backups)},
		budget: min(time.Duration(max(req.TimeoutMS, 0))*time.Millisecond, maxTimeout),
	}
	hostname, _ := os.Hostname() // without one the header is left out
	for _, t := range append([]profile.Target{h.Target}, h.Backups...) {
		c.servers = append(c.servers, protocol.Target{
			Name: h.Name, Host: t.Host, Port: t.Port, Path: t.Path, Group: req.Group, User: req.User, Trust: trust, Identity: identity, Hostname: hostname,
		})
	}
	return c, nil
}

// same reports whether both lead to the same gateway and group as the same person: connecting again to what is connected is done at once.
func (c *connection) same(o *connection) bool {
	a, b := c.servers[0], o.servers[0]
	if b.Identity != nil && (a.Identity == nil || !a.Identity.Leaf.Equal(b.Identity.Leaf)) {
		return false
	}
	return a.Host == b.Host && a.Port == b.Port && a.Path == b.Path && (b.Group == "" || a.Group == b.Group) && (b.User == "" || a.User == b.User)
}
