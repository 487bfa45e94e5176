package cstp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
)

// stuck is a connection whose Write waits until it is let go, and then takes at most limit bytes (0: all).
type stuck struct {
	net.Conn
	entered chan struct{}
	release chan struct{}
	limit   int
	mu      sync.Mutex
	got     []byte
	writes  int
}

func (s *stuck) Write(p []byte) (int, error) {
	if s.entered != nil {
		s.entered <- struct{}{}
		<-s.release
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit > 0 && len(p) > s.limit {
		p = p[:s.limit]
	}
	s.got, s.writes = append(s.got, p...), s.writes+1
	return len(p), nil
}

func TestCorkPassesThroughUntilHeld(t *testing.T) {
	c := &stuck{}
	k := Wrap(c)
	_, _ = k.Write([]byte("a"))
	_, _ = k.Write([]byte("b"))
	k.Hold()
	_, _ = k.Write([]byte("c"))
	_, _ = k.Write([]byte("d"))
	if string(c.got) != "ab" || c.writes != 2 || k.Held() != 2 {
		t.Fatalf("%q in %d writes, %d held", c.got, c.writes, k.Held())
	}
	if err := k.Flush(); err != nil || string(c.got) != "abcd" || c.writes != 3 {
		t.Fatalf("%q in %d writes, %v", c.got, c.writes, err)
	}
}

// While one flush waits for the peer, writers fill the other buffer and nothing blocks; the same flush sends that too, in order.
func TestCorkWritesNeverBlock(t *testing.T) {
	c := &stuck{entered: make(chan struct{}), release: make(chan struct{})}
	k := Wrap(c)
	k.Hold()
	_, _ = k.Write([]byte("one"))
	done := make(chan error, 1)
	go func() { done <- k.Flush() }()
	<-c.entered
	for range 1000 {
		if _, err := k.Write([]byte("two")); err != nil {
			t.Fatal(err)
		}
	}
	c.release <- struct{}{}
	<-c.entered
	c.release <- struct{}{}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if want := "one" + string(bytes.Repeat([]byte("two"), 1000)); string(c.got) != want || c.writes != 2 {
		t.Fatalf("%d bytes in %d writes", len(c.got), c.writes)
	}
}

// Of two flushes at once one writes, and both return when their bytes are out.
func TestCorkSingleFlusher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &stuck{entered: make(chan struct{}), release: make(chan struct{})}
		k := Wrap(c)
		k.Hold()
		_, _ = k.Write([]byte("one"))
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if err := k.Flush(); err != nil {
					t.Error(err)
				}
			})
		}
		<-c.entered
		synctest.Wait()
		close(c.release)
		wg.Wait()
		if string(c.got) != "one" || c.writes != 1 {
			t.Errorf("%q in %d writes", c.got, c.writes)
		}
	})
}

func TestCorkShortWriteIsFatal(t *testing.T) {
	k := Wrap(&stuck{limit: 2})
	k.Hold()
	_, _ = k.Write([]byte("long"))
	for range 2 {
		if err := k.Flush(); !errors.Is(err, io.ErrShortWrite) {
			t.Fatalf("%v", err)
		}
	}
	if _, err := k.Write([]byte("x")); !errors.Is(err, io.ErrShortWrite) {
		t.Fatalf("%v", err)
	}
}

// chunks is a connection that gives one chunk per Read.
type chunks struct {
	net.Conn
	left  [][]byte
	reads int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		return 0, io.EOF
	}
	c.reads++
	n := copy(p, c.left[0])
	c.left = c.left[1:]
	return n, nil
}

func TestCorkReads(t *testing.T) {
	c := &chunks{left: [][]byte{bytes.Repeat([]byte("x"), 5000), []byte("tail")}}
	k := Wrap(c)
	p := make([]byte, 1000)
	for range 5 {
		if n, err := k.Read(p); n != 1000 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	if c.reads != 1 {
		t.Errorf("%d reads for one chunk", c.reads)
	}
	k.drain(true)
	var ne net.Error
	if n, err := k.Read(p); n != 0 || !errors.As(err, &ne) || !ne.Temporary() { //nolint:staticcheck // Temporary is what crypto/tls looks at
		t.Fatalf("%d, %v", n, err)
	}
	k.drain(false)
	if n, err := k.Read(p); n != 4 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if _, err := k.Read(p); !errors.Is(err, io.EOF) {
		t.Fatalf("%v", err)
	}
}
