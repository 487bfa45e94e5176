package undo

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/undo/records"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
)

// Slot names an owner of changes.
type Slot string

const (
	SlotTun    Slot = "tun"
	SlotRouter Slot = "router"
	SlotFilter Slot = "filter"
	SlotDNS    Slot = "dns" // the only one that survives a reboot
)

// Kind is what an entry undoes.
type Kind string

const (
	KindLink    Kind = "link"    // the tun link holdfast0
	KindAddress Kind = "address" // Prefix on it
	KindRoute   Kind = "route"   // Prefix in our table
	KindRule    Kind = "rule"    // Family, Priority
	KindTable   Kind = "table"   // the nftables table holdfast
	KindSysctl  Kind = "sysctl"  // Name, Old, New
	KindResolv  Kind = "resolv.conf"
	KindLinkDNS Kind = "link dns"   // what systemd-resolved knows of the link holdfast0
	KindRecord  Kind = "resolvconf" // our record in resolvconf
)

// Entry is one change that can be undone. Which fields count is said beside the kinds.
type Entry struct {
	Kind     Kind         `json:"kind"`
	Prefix   netip.Prefix `json:"prefix,omitzero"`
	Family   int          `json:"family,omitempty"` // 4 or 6
	Priority int          `json:"priority,omitempty"`
	Name     string       `json:"name,omitempty"`
	Old      string       `json:"old,omitempty"`
	New      string       `json:"new,omitempty"`
	Resolv   *Resolv      `json:"resolv,omitempty"`
	Names    *Names       `json:"names,omitempty"`
}

// Names is who answered before a change of a link's servers or of our record, and who does after it: undoing needs neither, whoever must not ask through the tunnel does.
type Names struct {
	Were []netip.Addr `json:"were"`
	Are  []netip.Addr `json:"are"`
}

// MaxNames bounds both lists.
const MaxNames = 64

// Resolv is the change to resolv.conf: what stood there, and what we may have put there: contents, newest first, or the link to systemd-resolved's stub.
type Resolv struct {
	Was   resolvconf.File `json:"was"`
	Wrote [][]byte        `json:"wrote"`
	Stub  bool            `json:"stub,omitempty"`
}

// maxWrote: what stands there, and what comes.
const maxWrote = 2

// RPFilter is the one setting of the machine we may change: how strictly the source address of incoming packets is checked.
const RPFilter = "net.ipv4.conf.all.rp_filter"

// sysctls are the settings an entry may name, with their path and the values they have.
var sysctls = map[string]struct {
	path   string
	values []string
}{
	RPFilter: {"/proc/sys/net/ipv4/conf/all/rp_filter", []string{"0", "1", "2"}},
}

// String names the change for people.
func (e Entry) String() string {
	switch e.Kind {
	case KindLink:
		return "link " + platform.Interface
	case KindAddress, KindRoute:
		return string(e.Kind) + " " + e.Prefix.String()
	case KindRule:
		return fmt.Sprintf("IPv%d rule %d", e.Family, e.Priority)
	case KindTable:
		return "nftables table holdfast"
	case KindSysctl:
		return e.Name
	case KindResolv:
		return resolvconf.Path
	case KindLinkDNS:
		return "name servers of " + platform.Interface
	case KindRecord:
		return "resolvconf record " + records.Name
	}
	return "unknown change"
}

// check refuses an entry that is not one of ours: the journal is read back from disk.
func (e Entry) check() error {
	switch e.Kind {
	case KindLink, KindTable:
		return nil
	case KindAddress, KindRoute:
		if !e.Prefix.IsValid() {
			return errors.New("invalid prefix")
		}
		return nil
	case KindRule:
		if (e.Family != 4 && e.Family != 6) || (e.Priority != platform.RulePrioMark && e.Priority != platform.RulePrioAll) {
			return fmt.Errorf("rule %d of family %d", e.Priority, e.Family)
		}
		return nil
	case KindSysctl:
		return checkSysctl(e)
	case KindResolv:
		if e.Resolv == nil || len(e.Resolv.Wrote) == 0 && !e.Resolv.Stub || len(e.Resolv.Wrote) > maxWrote {
			return errors.New("resolv.conf entry without contents, or with too many")
		}
		for _, w := range e.Resolv.Wrote {
			if len(w) > resolvconf.MaxSize {
				return errors.New("resolv.conf content too long")
			}
		}
		return e.Resolv.Was.Check()
	case KindLinkDNS, KindRecord:
		if e.Names == nil || len(e.Names.Were) > MaxNames || len(e.Names.Are) > MaxNames {
			return errors.New("entry without servers, or with too many")
		}
		return nil
	}
	return fmt.Errorf("unknown kind %q", e.Kind)
}

func checkSysctl(e Entry) error {
	s, ok := sysctls[e.Name]
	if !ok {
		return fmt.Errorf("setting %q", e.Name)
	}
	known := map[string]bool{}
	for _, v := range s.values {
		known[v] = true
	}
	if !known[e.Old] || !known[e.New] {
		return fmt.Errorf("setting %s: %q to %q", e.Name, e.Old, e.New)
	}
	return nil
}
