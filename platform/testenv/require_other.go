//go:build !linux

package testenv

import (
	"errors"
	"testing"
)

var errSystem = errors.New("this system has none")

var probes = map[string]func() error{
	"netns":   func() error { return errSystem },
	"overlay": func() error { return errSystem },
	"tun":     func() error { return errSystem },
	"uid":     asRoot,
}

// Namespace skips the test, or fails it when HOLDFAST_REQUIRE lists netns: only Linux has network namespaces.
func Namespace(t *testing.T) bool {
	t.Helper()
	Require(t, "netns")
	return false
}
