package testenv

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// requireEnv lists the features that must not be skipped.
const requireEnv = "HOLDFAST_REQUIRE"

// unpackedEnv names the folder of unpacked packages.
const unpackedEnv = "HOLDFAST_UNPACKED"

// Require skips the test when this machine lacks one of the features, or fails it when HOLDFAST_REQUIRE lists that feature.
//
// The features are netns (network, mount and process namespaces), tun (/dev/net/tun), uid (may become another user), overlay (an own layer over /etc,
// asked for by Namespace together with netns), package:NAME (a Debian package that .ci/test has unpacked, for Install), booted (the root that it has made, for BootRoot), tray (what holdfast-tray is built with); any other name is a program that must be in PATH or in the system's sbin folders: ocserv, openconnect, nft.
func Require(t testing.TB, features ...string) {
	t.Helper()
	for _, f := range features {
		err := probe(f)
		if err == nil {
			continue
		}
		if required(os.Getenv(requireEnv), f) {
			t.Fatalf("%s requires %s: %v", requireEnv, f, err)
		}
		t.Skipf("needs %s: %v", f, err)
	}
}

// required reports whether the list in HOLDFAST_REQUIRE holds the feature.
func required(list, feature string) bool {
	return slices.ContainsFunc(strings.Split(list, ","), func(s string) bool { return strings.TrimSpace(s) == feature })
}

// probe returns nil when the machine has the feature.
func probe(feature string) error {
	if p, ok := probes[feature]; ok {
		return p()
	}
	if feature == "tray" {
		return probeTray()
	}
	if feature == "booted" {
		_, err := os.Stat(unpacked(feature))
		return err
	}
	if name, is := strings.CutPrefix(feature, "package:"); is {
		_, err := os.Stat(unpacked(name))
		return err
	}
	_, err := lookProgram(feature)
	return err
}

// lookProgram finds a program in PATH, then in the folders of system programs, which an ordinary user's PATH lacks.
func lookProgram(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	if strings.ContainsRune(name, os.PathSeparator) {
		return "", err
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
		if path, err := exec.LookPath(dir + "/" + name); err == nil {
			return path, nil
		}
	}
	return "", err
}

// probeTray asks the script that .ci/test asks. It wants a compiler and the headers of X11 and OpenGL.
func probeTray() error {
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	out, err := exec.Command("sh", filepath.Join(strings.TrimSpace(string(root)), ".ci", "tray")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// unpacked is the folder of a package that is not installed.
func unpacked(name string) string {
	dir := os.Getenv(unpackedEnv)
	if dir == "" {
		dir = "/var/cache/holdfast-tests"
	}
	return filepath.Join(dir, filepath.Base(name))
}

// asRoot is the probe of what needs uid 0.
func asRoot() error {
	if os.Geteuid() != 0 {
		return errors.New("not root")
	}
	return nil
}
