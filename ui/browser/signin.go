package browser

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
)

// Bounds of what comes to the listener.
const (
	maxHead    = 32 << 10 // bytes: a response, an address to go on to, and what browsers say of themselves
	headTime   = 5 * time.Second
	answerTime = 5 * time.Second // for the agent to take an answer
	writeTime  = answerTime + 5*time.Second
	endTime    = time.Second            // for the last page to be read
	maxConns   = 128                    // connections whose request has not come yet
	maxQueue   = 8                      // responses that wait for the one before them to be judged
	pause      = 250 * time.Millisecond // after a refused one: who sends many keeps the agent as little busy as who sends few
)

// Options are what SignIn needs of its caller.
type Options struct {
	// Answer answers the prompt; ipc.Client.Answer is one. AUTH-015 says that the response is not for this login: SignIn goes on waiting.
	Answer func(ctx context.Context, id string, a ipc.Answer) error
	// Open shows the page; nil is the function Open of this package. Its error ends nothing, because the person may open the address elsewhere.
	Open func(ctx context.Context, page string) error
	// Tell hears what ended nothing: that no browser could be opened (AUTH-016), that a response was refused (AUTH-015). Nil for nobody. It may be called from another goroutine than SignIn's.
	Tell func(*fault.Error)
	// Page is what the browser shows in the end. The zero value is English.
	Page Page
}

// SignIn opens a prompt's page and waits for the browser to bring the response, and answers the prompt with it. It returns nil when the agent took it, ctx's error when that ended before (the prompt was withdrawn, or the
// person has had enough), the agent's error when the prompt is over, AUTH-017 when another program has the port. Someone else must end ctx at the prompt's Until.
func SignIn(ctx context.Context, p *ipc.Prompt, o Options) error {
	if err := check(p); err != nil {
		return err
	}
	if o.Open == nil {
		o.Open = Open
	}
	if o.Tell == nil {
		o.Tell = func(*fault.Error) {}
	}
	listeners, err := listen(p.Browser.Port)
	if err != nil {
		return err
	}
	w := &waiter{prompt: p, options: o, turn: make(chan struct{}, 1), queue: make(chan struct{}, maxQueue), over: make(chan struct{})}
	w.turn <- struct{}{}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.ctx = ctx
	s := &http.Server{
		Handler: w, ConnState: w.crowd.changed, ConnContext: known, ReadTimeout: headTime, ReadHeaderTimeout: headTime, WriteTimeout: writeTime, MaxHeaderBytes: maxHead,
		ErrorLog: log.New(io.Discard, "", 0), // it would quote requests
	}
	s.SetKeepAlivesEnabled(false)
	var serving sync.WaitGroup
	for _, l := range listeners {
		serving.Go(func() { _ = s.Serve(l) }) // until Shutdown
	}
	opened := make(chan struct{})
	go func() {
		defer close(opened)
		if err := o.Open(ctx, p.Browser.URL); err != nil && ctx.Err() == nil {
			o.Tell(fault.As(err))
		}
	}()
	select {
	case <-w.over:
		err = w.end
	case <-ctx.Done():
		// The agent withdraws a prompt as soon as it has an answer: the one that is under way may be that, and its page is still to be shown.
		select {
		case <-w.turn:
			err = ctx.Err()
		case <-w.over:
			err = w.end
		}
	}
	cancel()
	soon, done := context.WithTimeout(context.Background(), endTime)
	defer done()
	if s.Shutdown(soon) != nil {
		_ = s.Close()
	}
	serving.Wait()
	<-opened
	return err
}

// listen takes the port on both loopback addresses. A machine without IPv6 has one. If another program has either, the browser might bring the response to that.
func listen(port uint16) ([]net.Listener, error) {
	var got []net.Listener
	for _, a := range []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()} {
		l, err := net.Listen("tcp", netip.AddrPortFrom(a, port).String())
		if err == nil {
			got = append(got, l)
			continue
		}
		if absent(err) {
			continue
		}
		for _, l := range got {
			_ = l.Close()
		}
		return nil, fault.Newf(fault.AuthPort, err, "port %s of %s", strconv.Itoa(int(port)), a)
	}
	if len(got) == 0 {
		return nil, fault.Newf(fault.AuthPort, nil, "this machine has no loopback address")
	}
	return got, nil
}

// waiter answers requests until one of them brought what the agent takes.
type waiter struct {
	ctx     context.Context
	prompt  *ipc.Prompt
	options Options
	turn    chan struct{} // one request at a time may answer the prompt
	queue   chan struct{} // has one of each that wants to
	crowd   crowd
	over    chan struct{} // closed by the request that ended it
	end     error         // why, to be read after that
}

// ServeHTTP implements http.Handler. Whoever asks for anything else learns nothing of what is waited for.
func (w *waiter) ServeHTTP(out http.ResponseWriter, q *http.Request) {
	w.crowd.served(q)
	b := w.prompt.Browser
	if !loopback(q.Host, b.Port) {
		http.Error(out, http.StatusText(http.StatusForbidden), http.StatusForbidden)
		return
	}
	sealed, ok := response(q.URL.EscapedPath())
	if q.Method != http.MethodGet || !ok {
		http.Error(out, http.StatusText(http.StatusNotFound), http.StatusNotFound)
		return
	}
	defer sealed.Wipe()
	select {
	case w.queue <- struct{}{}:
		defer func() { <-w.queue }()
	default:
		head(out)
		out.Header().Set("Refresh", "1") // a person's browser asks again, what floods us in another page does not
		http.Error(out, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	select {
	case <-w.turn:
	case <-w.over:
		http.Error(out, http.StatusText(http.StatusGone), http.StatusGone)
		return
	case <-w.ctx.Done():
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), answerTime)
	defer cancel()
	err := w.options.Answer(ctx, w.prompt.ID, ipc.Answer{Fields: map[string]redact.Secret{ipc.ResponseField: sealed}})
	if err != nil {
		w.options.Page.write(out, http.StatusBadRequest, w.options.Page.unusable())
	} else if to := onward(q.URL.Query().Get("return"), b.Host, b.Gateway); to != "" {
		head(out)
		out.Header().Set("Location", to)
		out.WriteHeader(http.StatusFound)
	} else {
		w.options.Page.write(out, http.StatusOK, w.options.Page.done())
	}
	if err != nil && fault.As(err).Code == fault.AuthResponse {
		w.options.Tell(fault.As(err))
		t := time.NewTimer(pause)
		defer t.Stop()
		select {
		case <-t.C:
		case <-w.ctx.Done():
		}
		w.turn <- struct{}{}
		return
	}
	w.end = err
	close(w.over) // nobody else has the turn any more
}
