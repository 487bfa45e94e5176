package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/holdfast-vpn/holdfast/agent/interop/lab"
)

// trayEnv hands the built application to the child that testenv.Namespace starts.
const trayEnv = "HOLDFAST_E2E_TRAY"

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run builds the application, where it can be built, and the agent; then it runs the tests.
func run(m *testing.M) int {
	if os.Getenv(trayEnv) == "" {
		dir, err := os.MkdirTemp("", "holdfast-tray")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program := filepath.Join(dir, "holdfast-tray")
		os.Setenv(trayEnv, program)
		build := exec.Command("go", "build", "-trimpath", "-o", program, "github.com/holdfast-vpn/holdfast/ui/cmd/holdfast-tray")
		if out, err := build.CombinedOutput(); err != nil {
			os.Setenv(trayEnv, "cannot be built: "+string(out)) // where it need not: testenv.Require says which
		}
	}
	return lab.Main(m, nil, func() bool { return true })
}
