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

// Policies lists where Cisco's client keeps the machine's local policy, the newer place first. They need not exist; ours lies with our profiles.
func Policies() []string { return policies() }

// Preferences lists where Cisco's client keeps the preferences of a user with that home directory, the newer place first. They need not exist.
func Preferences(home string) []string { return preferences(home) }

// Socket is where an agent with this runtime directory listens.
func Socket(runtime string) string { return socket(runtime) }
