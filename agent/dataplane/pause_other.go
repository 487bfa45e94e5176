//go:build !linux

package dataplane

import "time"

func pause(d time.Duration) { time.Sleep(d) }
