package tray

import (
	"context"
	"os"
	"os/signal"
	"reflect"
	"sync"
	"syscall"
	"time"

	"fyne.io/fyne/v2"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

// Options are what the application is made of.
type Options struct {
	App        fyne.App
	Client     *ipc.Client // of the agent
	Words      *locale.Words
	Self       model.Self
	Dir        string          // where this user's recent hosts and window sizes are kept; "" keeps nothing
	Background bool            // start as an icon, without a window
	Summons    <-chan struct{} // whoever starts the application again; nil where nobody can
	Logf       func(format string, args ...any)

	do    func(func()) // fyne.Do; of tests, whose driver has no main thread
	awake bool         // never park; of the same tests
}

// endTime is how long the end may take.
const endTime = 10 * time.Second

// Tray is the application. Its methods are called on Fyne's main thread, unless they say otherwise.
type Tray struct {
	opts   Options
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup // of every goroutine started here
	inbox  inbox
	agent  *agentLink
	calls  chan struct{} // one for each call under way

	model    model.Model
	shown    model.Tray // what the panel has
	any      bool       // it has something
	wake     wake
	desktop  desktop
	stage    *stage
	signIns  signIns
	unlocked unlocked
	leaving  context.Context // until the desktop's session ends us
	rest     *time.Timer     // until the main thread parks
	lent     string          // on the clipboard
	kept     *kept
}

// New returns an application that has not begun. Its error is for people: there is no screen.
func New(opts Options) (*Tray, error) {
	if opts.do == nil {
		opts.do = fyne.Do
	}
	t := &Tray{opts: opts, model: model.New(opts.Words, opts.Self), signIns: signIns{}, agent: newAgentLink(opts.Client), calls: make(chan struct{}, maxCalls)}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	t.leaving = t.ctx
	t.inbox.kick = make(chan struct{}, 1)
	t.kept = newKept(opts.Dir)
	t.desktop = newDesktop(opts.App, t.post, opts.Logf)
	var err error
	t.stage, err = newStage(opts.App, t.kept, t.send, func(text string) { t.lent = text })
	return t, err
}

// Run shows the application until the person or the desktop's session ends it. What runs here has ended when it returns; a VPN session goes on.
func (t *Tray) Run() {
	leaving, done := signal.NotifyContext(t.ctx, os.Interrupt, syscall.SIGTERM) // which Fyne obeys, once it may
	defer done()
	t.leaving = leaving
	// Fyne waits at its end for an event that it may have lost: what comes between its last look at the queue and the queue's end is never carried out. Nothing of ours is left to be done by then.
	context.AfterFunc(leaving, func() { time.AfterFunc(endTime, func() { os.Exit(0) }) })
	t.opts.App.Lifecycle().SetOnStarted(t.start)
	t.opts.App.Run()
	t.stop()
}

// start begins what runs beside the main thread.
func (t *Tray) start() {
	t.goes(func() { t.agent.follow(t.ctx, t.post) })
	t.goes(func() { t.desktop.Run(t.ctx) })
	if t.opts.Summons != nil {
		t.goes(t.summoned)
	}
	t.update(t.kept.remembered())
	if !t.opts.Background {
		t.update(model.Show{})
	}
	t.draw()
}

// stop ends what start began, and waits for it.
func (t *Tray) stop() {
	t.cancel()
	t.wake.set(time.Time{}, nil)
	if t.rest != nil {
		t.rest.Stop()
	}
	t.inbox.close()
	t.wg.Wait()
}

// goes starts a goroutine that stop waits for.
func (t *Tray) goes(f func()) {
	t.wg.Add(1)
	go func() {
		defer t.wg.Done()
		f()
	}()
}

// summoned shows the window for everybody who starts the application again.
func (t *Tray) summoned() {
	for {
		select {
		case <-t.ctx.Done():
			return
		case _, ok := <-t.opts.Summons:
			if !ok {
				return
			}
			t.post(model.Show{})
		}
	}
}

// send hands the model what a person did in a window.
func (t *Tray) send(msg model.Msg) {
	t.update(msg)
	t.draw()
}

func (t *Tray) update(msg model.Msg) {
	if _, tick := msg.(model.Tick); tick {
		t.wake.rang(time.Now())
	}
	next, commands := t.model.Update(msg, time.Now())
	t.model = next
	for _, c := range commands {
		t.carryOut(c)
	}
}

// draw shows what is to be seen now. A panel is told only what differs, a window only while it is open.
func (t *Tray) draw() {
	s := t.model.Screen(time.Now())
	asked := ""
	if s.Prompt != nil {
		asked = s.Prompt.ID
	}
	t.signIns.keep(asked)
	if !t.any || !reflect.DeepEqual(s.Tray, t.shown) {
		t.any, t.shown = true, s.Tray
		t.desktop.Show(s.Tray)
	}
	t.stage.Show(s)
	t.settle()
}
