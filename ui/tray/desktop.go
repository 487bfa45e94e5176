package tray

import (
	"context"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// desktop is what shows an icon and notifications. Run is called on a goroutine of its own and returns when ctx ends; the others are called on the main thread and wait for nobody.
type desktop interface {
	Run(ctx context.Context)
	Show(model.Tray)
	Notify(model.Notify)
	Withdraw(id string)
}
