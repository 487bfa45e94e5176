package records

// Flavour is which resolvconf a machine has.
type Flavour string

const (
	None       Flavour = ""
	Debian     Flavour = "resolvconf"
	Openresolv Flavour = "openresolv"
	Other      Flavour = "another resolvconf" // resolvectl under that name, or one we do not know: not used
)

// Name is that of our record. It begins with tun so that Debian's order puts it before those of network cards.
const Name = "tun.holdfast"

// Program is the one program that is run.
const Program = "/sbin/resolvconf"
