//go:build !linux

package resolvconf

// swap cannot be done here in one step.
func swap(string, string) (bool, error) { return false, nil }
