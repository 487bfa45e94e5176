package tray

import "testing"

// TestLibrary: code of large libraries is let go of, and nothing that could have been written.
func TestLibrary(t *testing.T) {
	for line, want := range map[string]bool{
		"7f0000000000-7f0003000000 r-xp 00000000 fe:01 42   /usr/lib/x86_64-linux-gnu/libLLVM-15.so.1": true,
		"7f0000000000-7f0003000000 r-xp 00000000 fe:01 42   /usr/lib/dri/swrast_dri.so":                true,
		"7f0000000000-7f0003000000 r--p 00000000 fe:01 42   /usr/lib/libLLVM-15.so.1":                  false, // relocations are in it
		"7f0000000000-7f0003000000 rw-p 00000000 fe:01 42   /usr/lib/libLLVM-15.so.1":                  false,
		"7f0000000000-7f0003000000 r-xs 00000000 fe:01 42   /usr/lib/libLLVM-15.so.1":                  false,
		"7f0000000000-7f0000100000 r-xp 00000000 fe:01 42   /usr/lib/libc.so.6":                        false, // small
		"55e000000000-55e003000000 r-xp 00000000 fe:01 42   /usr/bin/holdfast-tray":                    false,
		"7f0000000000-7f0003000000 r-xp 00000000 00:00 0":                                              false,
		"7ffd00000000-7ffd03000000 r-xp 00000000 00:00 0    [vdso]":                                    false,
		"7f0003000000-7f0000000000 r-xp 00000000 fe:01 42   /usr/lib/libLLVM-15.so.1":                  false,
		"x-y r-xp 0 0 0 /usr/lib/libLLVM.so":                                                           false,
		"":                                                                                             false,
	} {
		start, size, ok := library(line)
		if ok != want || ok && (start != 0x7f0000000000 || size != 0x3000000) {
			t.Errorf("%q: %x, %x, %v", line, start, size, ok)
		}
	}
	trim() // and all goes on
}
