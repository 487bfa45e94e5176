package pack

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// commandTexts writes what the package says of itself, and the completion for bash.
func (b *builder) commandTexts(ctx context.Context) error {
	// of this machine's kind, so that it runs here; the words are the same
	completion, err := b.run(ctx, []string{"CGO_ENABLED=0"}, "go", "run", "-trimpath", b.commands[1], "completion", "bash")
	if err != nil {
		return err
	}
	copyright, err := b.copyright(ctx)
	if err != nil {
		return err
	}
	news, err := os.ReadFile(filepath.Join(b.Root, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	return b.write(map[string][]byte{"completion.bash": completion, "copyright": copyright, "changelog.gz": b.changelog("What a user or administrator notices is in NEWS.gz."), "NEWS.gz": zipped(news)})
}

// write puts files into the stage.
func (b *builder) write(files map[string][]byte) error {
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(b.stage, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// changelog is that of Debian, zipped, with one entry.
func (b *builder) changelog(entry string) []byte {
	return zipped(fmt.Appendf(nil, "%s (%s) unstable; urgency=medium\n\n  * %s\n\n -- %s  %s\n", b.Package, b.Version, entry, maintainer, b.epoch.Format(time.RFC1123Z)))
}

// maintainer is the one of each nfpm.yaml; a test holds them equal.
const maintainer = "The Holdfast maintainers <holdfast-vpn@users.noreply.github.com>"

// zipped compresses without a name and a time, as gzip -9n does. A buffer takes everything.
func zipped(text []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic("pack: " + err.Error()) // the level exists
	}
	_, _ = w.Write(text)
	_ = w.Close()
	return b.Bytes()
}

// ours is the head of the copyright file.
const ours = `Holdfast is licensed under the Apache License, Version 2.0.
On Debian systems its text is in /usr/share/common-licenses/Apache-2.0.

Its programs hold the standard library of Go and the modules below. Their licenses follow.
`

// licence are the names under which modules keep theirs.
var licence = regexp.MustCompile(`^(LICEN[CS]E|COPYING|NOTICE|PATENTS|OFL)(_[A-Za-z-]+)?(\.md|\.txt)?$`)

// module is what packages of ours begin with.
const module = "github.com/holdfast-vpn/holdfast/"

// copyright collects the licenses of everything that is in the programs: most of them ask for it. A module without one is an error; a package of ours has one where it holds the work of others, as ui/view/fonts does.
func (b *builder) copyright(ctx context.Context) ([]byte, error) {
	list, err := b.run(ctx, b.target(), "go", append([]string{"list", "-deps", "-f", "{{if .Module}}{{if .Module.Main}}{{.ImportPath}}\t{{.Dir}}{{else}}{{.Module.Path}} {{.Module.Version}}\t{{.Module.Dir}}{{end}}{{end}}"}, b.commands...)...)
	if err != nil {
		return nil, err
	}
	root, err := b.run(ctx, nil, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	modules := append(strings.Split(strings.TrimSpace(string(list)), "\n"), "the standard library of Go\t"+strings.TrimSpace(string(root)))
	slices.Sort(modules)
	text := []byte(ours)
	for _, m := range slices.Compact(modules) {
		name, dir, found := strings.Cut(m, "\t")
		if !found {
			continue // a package of the standard library prints an empty line
		}
		before := len(text)
		if text, err = appendLicences(text, name, dir); err != nil {
			return nil, err
		}
		if len(text) == before && !strings.HasPrefix(name, module) {
			return nil, fmt.Errorf("no licence of %s in %s", name, dir)
		}
	}
	return text, nil
}

// appendLicences adds the licences that a directory has.
func appendLicences(text []byte, name, dir string) ([]byte, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if !licence.MatchString(f.Name()) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return nil, err
		}
		text = fmt.Appendf(text, "\n%s\n%s: %s\n\n%s\n", strings.Repeat("-", 72), name, f.Name(), bytes.TrimSpace(content))
	}
	return text, nil
}
