package power

import (
	"context"
	"io"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// powrprof.dll, since Windows 8.
var (
	powrprof   = windows.NewLazySystemDLL("powrprof.dll")
	register   = powrprof.NewProc("PowerRegisterSuspendResumeNotification")
	unregister = powrprof.NewProc("PowerUnregisterSuspendResumeNotification")
)

// notifyCallback is DEVICE_NOTIFY_CALLBACK.
const notifyCallback = 2

// subscription is DEVICE_NOTIFY_SUBSCRIBE_PARAMETERS.
type subscription struct{ callback, context uintptr }

// calls is where the system calls: a process has few callbacks to give and never gets one back, so there is one.
var (
	calls    called
	callback = sync.OnceValue(func() *subscription {
		return &subscription{callback: windows.NewCallback(func(_, kind, _ uintptr) uintptr {
			calls.call(uint32(kind))
			return 0
		})}
	})
)

func hold(ctx context.Context) (io.Closer, error) { return calls.hold(ctx) }

// listen has the system call until ctx ends. A service and a program in the foreground are called alike.
func listen(ctx context.Context, tell func(news)) {
	var handle uintptr
	calls.hears(tell)
	defer calls.hears(nil)
	if register.Find() == nil && unregister.Find() == nil {
		if failed, _, _ := register.Call(notifyCallback, uintptr(unsafe.Pointer(callback())), uintptr(unsafe.Pointer(&handle))); failed == 0 {
			defer func() { _, _, _ = unregister.Call(handle) }()
			tell(here)
		}
	}
	<-ctx.Done()
}
