package tray

import (
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"fyne.io/fyne/v2"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

const (
	// keptFile is what is kept, and maxKept how much of it is read, in bytes.
	keptFile = "tray.json"
	maxKept  = 64 << 10
	// maxRecent is how many recent hosts are kept.
	maxRecent = 16
)

// kept is what outlives the application: the names of recent hosts, of the files of client certificates, and the sizes of windows. Nothing of it is secret, and nothing breaks without it.
type kept struct {
	dir string

	mu     sync.Mutex // of values
	values values
	file   sync.Mutex // who writes
}

// values are the file's.
type values struct {
	Recent       []string             `json:"recent,omitempty"`
	Certificates map[string]string    `json:"certificates,omitempty"` // files, by target
	Sizes        map[string]fyne.Size `json:"sizes,omitempty"`        // by window
}

// newKept reads what was kept in dir. A file that cannot be read, or is none of ours, is as good as none.
func newKept(dir string) *kept {
	k := &kept{dir: dir}
	if dir == "" {
		return k
	}
	f, err := os.Open(filepath.Join(dir, keptFile))
	if err != nil {
		return k
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxKept))
	if err != nil || json.Unmarshal(raw, &k.values) != nil {
		k.values = values{}
	}
	k.values.Recent = k.values.Recent[:min(len(k.values.Recent), maxRecent)]
	return k
}

// remembered is what was kept, for the model.
func (k *kept) remembered() model.Remembered {
	k.mu.Lock()
	defer k.mu.Unlock()
	return model.Remembered{Recent: slices.Clone(k.values.Recent), Certificates: maps.Clone(k.values.Certificates)}
}

func (k *kept) remember(recent []string, certificates map[string]string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.values.Recent, k.values.Certificates = slices.Clone(recent[:min(len(recent), maxRecent)]), maps.Clone(certificates)
}

// size is how large a window was, or how large it is usually where that is not known or cannot be meant.
func (k *kept) size(window string, usual fyne.Size) fyne.Size {
	k.mu.Lock()
	defer k.mu.Unlock()
	const least, most = 100, 8192
	s := k.values.Sizes[window]
	if !(min(s.Width, s.Height) >= least && max(s.Width, s.Height) <= most) {
		return usual
	}
	return s
}

func (k *kept) resize(window string, size fyne.Size) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.values.Sizes == nil {
		k.values.Sizes = map[string]fyne.Size{}
	}
	k.values.Sizes[window] = size
}

// save writes the file, whole or not at all. It may be called from any goroutine; the last to be called writes the newest.
func (k *kept) save() error {
	if k.dir == "" {
		return nil
	}
	k.file.Lock()
	defer k.file.Unlock()
	k.mu.Lock()
	raw, err := json.Marshal(k.values)
	k.mu.Unlock()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(k.dir, keptFile+".*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone when it was renamed
	_, err = tmp.Write(raw)
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), filepath.Join(k.dir, keptFile))
}
