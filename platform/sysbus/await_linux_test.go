package sysbus

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestAwait: who waits for a bus is woken when it appears, however much of the way to it is missing, and not by what else happens there; where it is, he looks again after a while.
func TestAwait(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a", "b", "socket")
	done := make(chan bool)
	wait := func(ctx context.Context) { go func() { done <- appears(ctx, path) }() }
	still := func() {
		t.Helper()
		select {
		case <-done:
			t.Fatal("it did not wait")
		case <-time.After(50 * time.Millisecond):
		}
	}
	wait(t.Context())
	for _, make := range []func() error{
		func() error { return os.Mkdir(filepath.Join(dir, "other"), 0o755) },
		func() error { return os.Mkdir(filepath.Join(dir, "a"), 0o755) },
		func() error { return os.Mkdir(filepath.Join(dir, "a", "b"), 0o755) },
		func() error { return os.RemoveAll(filepath.Join(dir, "a")) },
		func() error { return os.MkdirAll(filepath.Join(dir, "a", "b"), 0o755) },
		func() error { return os.WriteFile(filepath.Join(dir, "a", "b", "other"), nil, 0o644) },
	} {
		still()
		if err := make(); err != nil {
			t.Fatal(err)
		}
	}
	still()
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	select {
	case ok := <-done:
		if !ok {
			t.Error("it could not wait")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits still")
	}
	began := time.Now()
	await(t.Context(), path)
	if took := time.Since(began); took < redial {
		t.Errorf("looked again after %v", took)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	wait(ctx)
	still()
	cancel()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the end of its context does not end it")
	}
}
