package svc

import (
	"context"
	"io"
	"strings"
	"time"

	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// downTime is how long the manager is asked to wait for our end: the agent needs 5 s at most.
const downTime = 15 * time.Second

// Run runs the agent's life: as a service where the service control manager has started us, which asked says, or the system does; else in the foreground. log is where a service writes:
// the system's event log, for there is no standard error. It returns what life does.
func Run(ctx context.Context, asked bool, stderr io.Writer, life func(ctx context.Context, log io.Writer) error) error {
	if is, err := svc.IsWindowsService(); !asked && (err != nil || !is) {
		return life(ctx, stderr)
	}
	h := &handler{ctx: ctx, life: life, log: io.Discard}
	if events, err := eventlog.Open(serviceName); err == nil {
		defer events.Close()
		h.log = eventWriter{events}
	}
	if err := svc.Run(serviceName, h); err != nil {
		return fault.Newf(fault.HostService, err, "--service is for the service control manager: %v", err)
	}
	return h.err
}

// handler answers the service control manager.
type handler struct {
	ctx  context.Context
	life func(ctx context.Context, log io.Writer) error
	log  io.Writer
	err  error // of life
}

// Execute is the service's life. An end that was not asked for is an error to the manager, which then starts us again.
func (h *handler) Execute(_ []string, requests <-chan svc.ChangeRequest, say chan<- svc.Status) (specific bool, code uint32) {
	say <- svc.Status{State: svc.StartPending, WaitHint: uint32(downTime.Milliseconds())}
	ctx, cancel := context.WithCancel(h.ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- h.life(ctx, h.log) }()
	now := svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown | svc.AcceptPreShutdown}
	say <- now
	for {
		select {
		case r := <-requests:
			switch r.Cmd {
			case svc.Interrogate:
				say <- now
			case svc.Stop, svc.Shutdown, svc.PreShutdown:
				now = svc.Status{State: svc.StopPending, WaitHint: uint32(downTime.Milliseconds())}
				say <- now
				cancel()
			}
		case h.err = <-ended:
			if h.err != nil {
				f := fault.As(h.err)
				_, _ = io.WriteString(h.log, "error: "+f.Sentence()+" ("+string(f.Code)+")\n")
				return true, uint32(f.Exit())
			}
			if ctx.Err() == nil {
				return true, 1 // nobody asked
			}
			return false, 0
		}
	}
}

// eventWriter writes lines of a text log to the event log. Its severities are those of slog's text.
type eventWriter struct{ log *eventlog.Log }

func (w eventWriter) Write(line []byte) (int, error) {
	text := strings.TrimRight(string(line), "\n")
	report := w.log.Info
	switch {
	case strings.Contains(text, "level=ERROR"), strings.HasPrefix(text, "error:"):
		report = w.log.Error
	case strings.Contains(text, "level=WARN"):
		report = w.log.Warning
	}
	return len(line), report(1, text)
}
