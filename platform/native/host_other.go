//go:build !linux

package native

import (
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
)

func host(Options) (*platform.Host, error) { return nil, fault.New(fault.HostOther, nil) }
