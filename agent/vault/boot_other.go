//go:build !linux

package vault

import "errors"

// bootID: nothing is kept on systems that have no tunnels yet.
func bootID() (string, error) { return "", errors.New("no session is kept on this system yet") }
