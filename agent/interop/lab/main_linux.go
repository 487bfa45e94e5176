package lab

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binEnv hands the built binaries to the child that testenv.Namespace starts.
const binEnv = "HOLDFAST_LAB_BIN"

// Main is a TestMain: it builds the agent and the command line once where wanted, asked when flags are parsed, says that something will run them, and runs the
// tests. As a child with a role ("role NAME ARGS...") the test binary is that instead.
func Main(m *testing.M, roles map[string]func(args []string) error, wanted func() bool) int {
	if len(os.Args) > 2 && os.Args[1] == "role" {
		return play(roles, os.Args[2], os.Args[3:])
	}
	flag.Parse()
	if os.Getenv(binEnv) != "" || !wanted() {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "holdfast-lab")
	if err == nil {
		defer os.RemoveAll(dir)
		err = os.Chmod(dir, 0o755)
	}
	if err == nil {
		build := exec.Command("go", "build", "-trimpath", "-o", dir, "github.com/holdfast-vpn/holdfast/agent/cmd/holdfastd", "github.com/holdfast-vpn/holdfast/ui/cmd/holdfast")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		build.Stderr = os.Stderr
		err = build.Run()
	}
	if err == nil {
		err = os.Setenv(binEnv, dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "building the binaries:", err)
		return 1
	}
	return m.Run()
}

func play(roles map[string]func([]string) error, name string, args []string) int {
	run, ok := roles[name]
	if !ok {
		return 2
	}
	if err := run(args); err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		return 1
	}
	return 0
}

// Bin is the path of one of the built binaries.
func Bin(name string) string { return filepath.Join(os.Getenv(binEnv), name) }
