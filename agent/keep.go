package agent

import (
	"log/slog"
	"sync"

	"github.com/holdfast-vpn/holdfast/agent/vault"
)

// keeper is the goroutine that writes the vault, so that the loop waits for no disk. What it has not come to yet is replaced by what comes after it.
type keeper struct {
	vault *vault.Vault // nil keeps nothing
	log   *slog.Logger
	wake  chan struct{} // one token while there is something to do
	done  chan struct{}

	mu   sync.Mutex
	next func() error // nil when there is nothing
}

func newKeeper(v *vault.Vault, log *slog.Logger) *keeper {
	return &keeper{vault: v, log: log, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// run works until wake is closed, and through what is left then.
func (k *keeper) run() {
	defer close(k.done)
	for range k.wake {
		k.once()
	}
	k.once()
}

func (k *keeper) once() {
	k.mu.Lock()
	do := k.next
	k.next = nil
	k.mu.Unlock()
	if do == nil {
		return
	}
	if err := do(); err != nil {
		k.log.Warn("the session is not kept for a next agent", "err", err)
	}
}

// save keeps a session.
func (k *keeper) save(s vault.Session) { k.post(func() error { return k.vault.Save(s) }) }

// discard forgets it.
func (k *keeper) discard() {
	k.post(func() error {
		_, err := k.vault.Discard()
		return err
	})
}

func (k *keeper) post(do func() error) {
	if k.vault == nil {
		return
	}
	k.mu.Lock()
	k.next = do
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// end lets it finish what is left.
func (k *keeper) end() {
	close(k.wake)
	<-k.done
}

// keepSession has what a next agent must know written down, as it is now.
func (l *loop) keepSession() {
	if s, ok := l.session(); ok {
		l.keeper.save(s)
	}
}
