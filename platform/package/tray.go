package pack

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// native refuses where the tray cannot be built: its libraries are C, and those of another processor are not here.
func (b *builder) native(ctx context.Context) error {
	if runtime.GOOS != "linux" || b.Arch != runtime.GOARCH {
		return fmt.Errorf("%s for linux on %s is built on a machine of that kind: it needs cgo", b.Package, b.Arch)
	}
	ask := exec.CommandContext(ctx, "sh", ".ci/tray")
	ask.Dir = b.Root
	if said, err := ask.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w", bytes.TrimSpace(said), err)
	}
	return nil
}

// trayTexts writes the texts of the tray's package, and its nfpm.yaml with the libraries that the program asks for.
func (b *builder) trayTexts(ctx context.Context) error {
	copyright, err := b.copyright(ctx)
	if err != nil {
		return err
	}
	toolkit, err := b.run(ctx, nil, "go", "list", "-m", "-f", "{{.Dir}}", "fyne.io/fyne/v2")
	if err != nil {
		return err
	}
	if copyright, err = appendLicences(copyright, "the letters of fyne.io/fyne/v2", filepath.Join(strings.TrimSpace(string(toolkit)), "theme/font")); err != nil {
		return err
	}
	manual, err := os.ReadFile(filepath.Join(b.Root, "platform/package/tray/holdfast-tray.1"))
	if err != nil {
		return err
	}
	config, err := os.ReadFile(filepath.Join(b.Root, b.config))
	if err != nil {
		return err
	}
	depends, err := linked(filepath.Join(b.stage, "holdfast-tray"))
	if err != nil {
		return err
	}
	config = bytes.Replace(config, []byte("  # DEPENDS\n"), []byte("  - "+strings.Join(depends, "\n  - ")+"\n"), 1)
	b.config = filepath.Join(b.stage, "nfpm.yaml")
	return b.write(map[string][]byte{"nfpm.yaml": config, "copyright": copyright, "manual.gz": zipped(manual), "changelog.gz": b.changelog("See NEWS.gz of the package holdfast.")})
}

// libraries are the packages of Debian that hold what a program may be linked with.
var libraries = map[string]string{
	"libGL.so.1":      "libgl1",
	"libX11.so.6":     "libx11-6",
	"libXcursor.so.1": "libxcursor1", "libXi.so.6": "libxi6", "libXinerama.so.1": "libxinerama1", "libXrandr.so.2": "libxrandr2", "libXxf86vm.so.1": "libxxf86vm1",
	"libc.so.6": "libc6", "libm.so.6": "libc6", "libdl.so.2": "libc6", "librt.so.1": "libc6", "libpthread.so.0": "libc6", "libresolv.so.2": "libc6",
}

// linked returns the packages that the program's libraries are in, glibc with the oldest version that has all its symbols.
func linked(program string) ([]string, error) {
	f, err := elf.Open(program)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.ImportedLibraries()
	if err != nil {
		return nil, err
	}
	symbols, err := f.ImportedSymbols()
	if err != nil {
		return nil, err
	}
	newest := 0
	for _, s := range symbols {
		if minor, is := strings.CutPrefix(s.Version, "GLIBC_2."); is {
			minor, _, _ = strings.Cut(minor, ".")
			n, err := strconv.Atoi(minor)
			if err != nil {
				return nil, fmt.Errorf("symbol %s of %s", s.Name, s.Version)
			}
			newest = max(newest, n)
		}
	}
	found := map[string]bool{}
	for _, name := range names {
		of, known := libraries[name]
		if !known {
			return nil, fmt.Errorf("no package is known for %s", name)
		}
		if of == "libc6" {
			of += fmt.Sprintf(" (>= 2.%d)", newest)
		}
		found[of] = true
	}
	return slices.Sorted(maps.Keys(found)), nil
}
