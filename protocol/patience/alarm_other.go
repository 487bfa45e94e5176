//go:build !linux

package patience

import "errors"

func newAlarm() (alarm, error) { return nil, errors.ErrUnsupported }
