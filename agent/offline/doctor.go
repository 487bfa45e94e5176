package offline

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/portal"
	"github.com/holdfast-vpn/holdfast/dart/checkup"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/native"
	"github.com/holdfast-vpn/holdfast/platform/netmon"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/login"
)

// How long each probe may take; all of them together end with DoctorOptions.Timeout.
const (
	nameTime    = 5 * time.Second
	connectTime = 3 * time.Second
	secureTime  = 4 * time.Second // a handshake; once more with small packets where it stalls
	greetTime   = 5 * time.Second
	webTime     = 3 * time.Second
	udpTime     = 500 * time.Millisecond // for each of two datagrams
	maxPaths    = 4                      // addresses of the gateway that are tried
)

// DoctorOptions are what a person asks for, and where things are on this machine.
type DoctorOptions struct {
	Target      string
	CAPEM       string   // authorities beside the system's, "" for none
	Pins        []string // as connect takes them
	Timeout     time.Duration
	ProfileDirs []string
	StateDir    string                // of an agent whose journal may tell the displaced name servers
	Progress    func(checking string) // called before each stage, in the caller's goroutine; nil for nobody
}

// Doctor looks along the whole way to a gateway, up to the first question of a login, which it does not answer. It needs no privilege and no agent, changes nothing,
// and talks to the name servers and to the gateway alone. A layer that is broken is in the report; an error is a target or an option that makes no sense (USE-…),
// or ctx's own.
func Doctor(ctx context.Context, o DoctorOptions) (checkup.Report, error) {
	store, _ := profile.Load(o.ProfileDirs...)
	name, target, anyNetwork, err := targetOf(o, store)
	if err != nil {
		return checkup.Report{}, err
	}
	e := &exam{target: target, anyNetwork: anyNetwork, dialer: native.Guest(o.StateDir), look: netmon.Look, web: portal.Port, wait: secureTime, progress: o.Progress}
	limited, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	seen := e.run(limited)
	if ctx.Err() != nil {
		return checkup.Report{}, ctx.Err()
	}
	r := checkup.Judge(seen)
	r.Target = name
	_, err = net.InterfaceByName(platform.Interface)
	r.Session = err == nil
	return r, nil
}

// targetOf reads the target as connect does: a name that a profile has counts before an address of the same spelling. anyNetwork says that no portal is looked for;
// what users prefer is known to the agent alone, and not asked.
func targetOf(o DoctorOptions, store *profile.Store) (name string, t protocol.Target, anyNetwork bool, err error) {
	if t.Trust, err = protocol.ParseTrust(o.CAPEM, o.Pins); err != nil {
		return "", t, false, err
	}
	h, prof, found := store.Find(o.Target)
	if !found {
		at, err := profile.ParseTarget(o.Target)
		if err != nil {
			return "", t, false, err
		}
		h = profile.Host{Name: at.String(), Target: at}
	}
	if h.Protocol == profile.IPsec {
		return "", t, false, fault.Newf(fault.UseNotYet, nil, "IPsec")
	}
	t.Trust.Require = h.Pins
	t.Name, t.Host, t.Port, t.Path = h.Name, h.Target.Host, h.Target.Port, h.Target.Path
	policy, _ := store.Policy() // one that cannot be read forbids nothing to somebody who only looks
	return h.Name, t, profile.Effective(policy, prof).Settings().IgnorePortals, nil
}

// exam is one run of the probes.
type exam struct {
	target     protocol.Target
	anyNetwork bool // plain HTTP is not tried
	dialer     platform.Dialer
	look       func() (platform.NetSnapshot, error)
	web        uint16        // port of plain HTTP
	wait       time.Duration // for a handshake
	progress   func(string)
}

// run observes layer by layer; what does not depend on each other goes on at the same time.
func (e *exam) run(ctx context.Context) checkup.Observations {
	o := checkup.Observations{Host: e.target.Host, Port: e.target.Port, Pinned: len(e.target.Trust.Pins) > 0, NoWeb: e.anyNetwork}
	e.tell("the network")
	o.Links = e.links()
	e.tell("the name")
	o.Names = e.names(ctx)
	addrs := o.Names.Addrs[:min(len(o.Names.Addrs), maxPaths)]
	if len(addrs) == 0 {
		return o
	}
	e.tell("the connection")
	paths, web := e.reach(ctx, addrs)
	o.Now, o.Web = time.Now(), web
	for _, p := range paths {
		o.Paths = append(o.Paths, p.Path)
	}
	best, _ := o.Best()
	var way *login.Conn
	for _, p := range paths {
		switch {
		case p.conn == nil:
		case way == nil && p.Addr == best.Addr:
			way = p.conn
		default:
			_ = p.conn.Close()
		}
	}
	if best.Refused != nil {
		return o
	}
	e.tell("the gateway")
	var wg sync.WaitGroup
	wg.Go(func() { o.UDP = greetUDP(ctx, netip.AddrPortFrom(best.Addr, e.target.Port)) })
	if way != nil {
		o.Hello = e.greet(ctx, way)
	}
	wg.Wait()
	return o
}

func (e *exam) tell(checking string) {
	if e.progress != nil {
		e.progress(checking)
	}
}

// reach tries every address at once, and plain HTTP beside them until one of them has proved who it is.
func (e *exam) reach(ctx context.Context, addrs []netip.Addr) ([]path, checkup.Web) {
	paths, pages := make([]path, len(addrs)), make([]checkup.Web, len(addrs))
	webCtx, enough := context.WithCancel(ctx)
	defer enough()
	var wg sync.WaitGroup
	for i, a := range addrs {
		wg.Go(func() {
			if paths[i] = e.try(ctx, a); paths[i].conn != nil {
				enough()
			}
		})
		wg.Go(func() { pages[i] = e.page(webCtx, a) })
	}
	wg.Wait()
	for _, p := range pages {
		if p.Answered {
			return paths, p
		}
	}
	return paths, checkup.Web{}
}
