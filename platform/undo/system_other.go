//go:build !linux

package undo

import (
	"context"
	"io"
	"io/fs"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

func openDirectory(string, fs.FileMode) (*directory, error) {
	return nil, fault.New(fault.HostOther, nil)
}

func lockNetwork() (io.Closer, error) { return nil, nil }

// The rest is never reached: there is no journal to read from.

func revertKernel(Entry) (bool, error) { return false, fault.New(fault.HostOther, nil) }

func sweepKernel() ([]string, error) { return nil, fault.New(fault.HostOther, nil) }

func revertLinkDNS(context.Context) (bool, error) { return false, fault.New(fault.HostOther, nil) }
