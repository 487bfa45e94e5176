//go:build !linux

package systemd

import "context"

// Store is a place where nothing is kept.
type Store struct{}

// Inherit returns a Store that holds nothing.
func Inherit(string) *Store { return &Store{} }

// Take implements platform.Keeper.
func (*Store) Take() int { return -1 }

// Keep implements platform.Keeper.
func (*Store) Keep(int) {}

// Drop implements platform.Keeper.
func (*Store) Drop() {}

// Restarting is false: nobody can be asked.
func Restarting(context.Context) bool { return false }
