package sysbus

// Network says where the owner of a name lives.
type Network int

const (
	Nowhere Network = iota // nobody has the name
	Ours                   // in this process's network namespace
	Another                // in another one
	Unclear                // it cannot be told: its process is not ours to see
)

func (n Network) String() string {
	return [...]string{"absent", "here", "in another network", "unclear"}[n]
}
