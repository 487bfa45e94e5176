package pack

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Arches are the processors there is a package for, as Go and Debian both call them.
var Arches = []string{"amd64", "arm64"}

// Packages are the names of the packages: the agent with the command line, and the tray.
var Packages = []string{"holdfast", "holdfast-tray"}

// Options say what to build.
type Options struct {
	Package string    // one of Packages
	Root    string    // the checkout
	Arch    string    // one of Arches; the tray needs cgo and is built for this machine's alone
	Out     string    // the folder for the package, made if it is missing
	Version string    // "" for that of the build
	Log     io.Writer // for what the tools say, nil for nobody
}

// recipe is what the packages differ in.
type recipe struct {
	commands []string // the first has the version
	cgo      string   // of Go's CGO_ENABLED
	config   string   // of nfpm
	texts    func(*builder, context.Context) error
}

var recipes = map[string]recipe{
	"holdfast":      {[]string{"./agent/cmd/holdfastd", "./ui/cmd/holdfast"}, "0", "platform/package/nfpm.yaml", (*builder).commandTexts},
	"holdfast-tray": {[]string{"./ui/cmd/holdfast-tray"}, "1", "platform/package/tray/nfpm.yaml", (*builder).trayTexts},
}

// Deb builds the programs of a package and makes it of them. It returns the package's path. Times in it are SOURCE_DATE_EPOCH, else the time of the commit.
func Deb(ctx context.Context, o Options) (string, error) {
	if !slices.Contains(Arches, o.Arch) {
		return "", fmt.Errorf("no package for %q, only for %s", o.Arch, strings.Join(Arches, " and "))
	}
	r, is := recipes[o.Package]
	if !is {
		return "", fmt.Errorf("no package %q, only %s", o.Package, strings.Join(Packages, " and "))
	}
	var bad [2]error
	o.Root, bad[0] = filepath.Abs(o.Root)
	o.Out, bad[1] = filepath.Abs(o.Out)
	if err := errors.Join(bad[:]...); err != nil {
		return "", err
	}
	stage, err := os.MkdirTemp("", "holdfast-package")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(stage)
	b := builder{Options: o, recipe: r, stage: stage}
	if r.cgo == "1" {
		if err := b.native(ctx); err != nil {
			return "", err
		}
	}
	if err := b.programs(ctx); err != nil {
		return "", err
	}
	if err := b.recipe.texts(&b, ctx); err != nil {
		return "", err
	}
	if err := os.MkdirAll(b.Out, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(b.Out, b.Package+"_"+b.Version+"_"+b.Arch+".deb")
	return path, b.nfpm(ctx, path)
}

// builder is one run of Deb.
type builder struct {
	Options
	recipe
	stage string // what nfpm.yaml knows as STAGE
	epoch time.Time
}

// target makes the Go commands speak of the system the package is for.
func (b *builder) target() []string {
	return []string{"CGO_ENABLED=" + b.cgo, "GOOS=linux", "GOARCH=" + b.Arch}
}

// programs builds them and takes version and time from what Go has written into the first.
func (b *builder) programs(ctx context.Context) error {
	args := append([]string{"build", "-trimpath", "-ldflags=-s -w", "-o", b.stage + "/"}, b.commands...)
	if _, err := b.run(ctx, b.target(), "go", args...); err != nil {
		return err
	}
	info, err := buildinfo.ReadFile(filepath.Join(b.stage, filepath.Base(b.commands[0])))
	if err != nil {
		return err
	}
	if b.Version == "" {
		b.Version = version(info.Main.Version)
	}
	if !debian.MatchString(b.Version) {
		return fmt.Errorf("%q is no version of a Debian package", b.Version)
	}
	b.epoch = time.Unix(0, 0).UTC()
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			b.epoch, err = time.Parse(time.RFC3339, s.Value)
		}
	}
	if given := os.Getenv("SOURCE_DATE_EPOCH"); given != "" {
		var seconds int64
		seconds, err = strconv.ParseInt(given, 10, 64)
		b.epoch = time.Unix(seconds, 0).UTC()
	}
	return err
}

// debian is what we allow of a version (deb-version(7)): no epoch, and no revision, which would say that somebody else makes the package.
var debian = regexp.MustCompile(`^[0-9][A-Za-z0-9.+~]*$`)

// version is Go's version of a build in Debian's order: what comes before a release sorts before it.
func version(module string) string {
	v := strings.TrimPrefix(module, "v")
	if v == "" || v == "(devel)" {
		return "0.0.0~devel"
	}
	v = strings.Replace(v, "-", "~", 1)
	return strings.ReplaceAll(v, "-", ".")
}

// nfpm builds the tool, and the package with it.
func (b *builder) nfpm(ctx context.Context, path string) error {
	tool := filepath.Join("bin", "nfpm") // kept: Go links it once
	if _, err := b.run(ctx, nil, "go", "build", "-C", ".tools", "-buildvcs=false", "-o", filepath.Join("..", tool), "github.com/goreleaser/nfpm/v2/cmd/nfpm"); err != nil {
		return err
	}
	env := []string{"STAGE=" + b.stage, "ARCH=" + b.Arch, "VERSION=" + b.Version, "SOURCE_DATE_EPOCH=" + strconv.FormatInt(b.epoch.Unix(), 10)}
	_, err := b.run(ctx, env, filepath.Join(b.Root, tool), "package", "--config", b.config, "--packager", "deb", "--target", path)
	return err
}

// run runs a program in the checkout and returns what it printed on standard output.
func (b *builder) run(ctx context.Context, env []string, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = b.Root
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = b.Log
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", name, args[0], err)
	}
	return out, nil
}
