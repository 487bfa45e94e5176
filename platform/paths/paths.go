package paths

// Dirs are the agent's directories, absolute.
type Dirs struct {
	State   string
	Runtime string
	Profile string
}

// Default returns the directories of this system.
func Default() Dirs { return defaults() }

// Imports lists where Cisco's client keeps its profiles, the newer place first. They need not exist.
func Imports() []string { return imports() }

// Socket is where an agent with this runtime directory listens.
func Socket(runtime string) string { return socket(runtime) }
