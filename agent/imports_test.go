package agent_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/holdfast-vpn/holdfast/"

// imports lists what each of our packages imports, tests left out, with the module prefix cut from both sides.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-e", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, module+"...").Output() // -e: without cgo the tray's main lacks a package
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		for i := range fields {
			fields[i] = strings.TrimPrefix(fields[i], module)
		}
		all[fields[0]] = fields[1:]
	}
	return all
}

// below reports whether pkg is dir or lies below it.
func below(pkg, dir string) bool { return pkg == dir || strings.HasPrefix(pkg, dir+"/") }

// TestImportRules holds the rules of docs/architecture.md.
func TestImportRules(t *testing.T) {
	meet := []string{"agent", "agent/dataplane", "agent/offline", "agent/demo", "agent/interop", "agent/interop/lab", "agent/cmd/holdfastd"}
	rules := []struct {
		name    string
		applies func(pkg string) bool
		allowed func(imp string) bool // asked of our own packages only
	}{
		{"protocol never imports agent, platform, ui", func(p string) bool { return below(p, "protocol") },
			func(i string) bool { return !below(i, "agent") && !below(i, "platform") && !below(i, "ui") }},
		{"platform never imports agent, protocol, ui", func(p string) bool { return below(p, "platform") },
			func(i string) bool { return !below(i, "agent") && !below(i, "protocol") && !below(i, "ui") }},
		{"protocol and platform meet in few packages", func(p string) bool {
			return below(p, "agent") && !slices.Contains(meet, p) && p != "agent/vault"
		}, func(i string) bool {
			return !below(i, "protocol") && (!below(i, "platform") || i == "platform/localsock")
		}},
		{"the vault knows no platform", func(p string) bool { return p == "agent/vault" },
			func(i string) bool { return !below(i, "platform") }},
		{"profile imports leaves only", func(p string) bool { return below(p, "profile") },
			func(i string) bool {
				return slices.Contains([]string{"dart/fault", "dart/redact", "protocol/packet", "profile"}, i)
			}},
		{"dart imports profile and platform at most", func(p string) bool { return below(p, "dart") },
			func(i string) bool { return below(i, "dart") || below(i, "profile") || below(i, "platform") }},
		{"leaves import nothing of ours", func(p string) bool {
			return p == "dart/fault" || p == "dart/redact" || p == "protocol/packet"
		}, func(string) bool { return false }},
		{"a desktop for tests imports platform/testenv", func(p string) bool { return p == "ui/tray/desk" },
			func(i string) bool { return i == "platform/testenv" }},
		{"ui imports agent/ipc, dart, profile, ui", func(p string) bool { return below(p, "ui") && !below(p, "ui/cmd") && p != "ui/tray/desk" },
			func(i string) bool {
				return i == "agent/ipc" || below(i, "dart") || below(i, "profile") || below(i, "ui")
			}},
		{"the machine imports dart/fault only", func(p string) bool { return p == "agent/machine" },
			func(i string) bool { return i == "dart/fault" }},
	}
	all := imports(t)
	if len(all) < 10 {
		t.Fatalf("go list found %d packages only", len(all))
	}
	ours := func(imp string) bool { _, ok := all[imp]; return ok }
	for _, r := range rules {
		seen := 0
		for pkg, imps := range all {
			if !r.applies(pkg) {
				continue
			}
			seen++
			for _, imp := range imps {
				if ours(imp) && !r.allowed(imp) {
					t.Errorf("%s: %s imports %s", r.name, pkg, imp)
				}
			}
		}
		if seen == 0 {
			t.Errorf("%s: the rule applies to no package", r.name)
		}
	}
}

// TestMachineIsPure holds the list of what the machine may import of the standard library: nothing with a clock's tick, a socket or a lock.
func TestMachineIsPure(t *testing.T) {
	pure := strings.Fields("bytes cmp errors fmt iter maps math math/bits math/rand/v2 net/netip slices sort strconv strings time dart/fault")
	for _, imp := range imports(t)["agent/machine"] {
		if !slices.Contains(pure, imp) {
			t.Errorf("agent/machine imports %s", imp)
		}
	}
}

// TestShippedProgramsHaveNoGateway: neither the agent's binary nor the tray's holds the embedded gateway or a userspace network stack; the tray holds nothing of a tunnel.
func TestShippedProgramsHaveNoGateway(t *testing.T) {
	never := []string{"gvisor.dev/", module + "protocol/gateway", module + "platform/testenv", module + "ui/tray/desk"}
	for _, c := range []struct {
		program string
		never   []string
	}{
		{"agent/cmd/holdfastd", append(never, "fyne.io/")},
		{"ui/cmd/holdfast-tray", append(never, module+"protocol/", module+"agent/machine", module+"agent/dataplane", module+"platform/undo")},
	} {
		out, err := exec.Command("go", "list", "-e", "-deps", module+c.program).Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		for line := range strings.Lines(string(out)) {
			pkg := strings.TrimSpace(line)
			if slices.ContainsFunc(c.never, func(p string) bool { return strings.HasPrefix(pkg, p) }) {
				t.Errorf("%s holds %s", c.program, pkg)
			}
		}
	}
}

// TestWhoKnowsFyne: the view model and the words can be tested with no toolkit, the command line carries none, and Fyne's app, which needs cgo, is in one main.
func TestWhoKnowsFyne(t *testing.T) {
	fyne := []string{"ui/view", "ui/tray", "ui/cmd/holdfast-tray"}
	all := imports(t)
	for pkg, imps := range all {
		for _, imp := range imps {
			if !strings.HasPrefix(imp, "fyne.io/") {
				continue
			}
			if !slices.ContainsFunc(fyne, func(dir string) bool { return below(pkg, dir) }) {
				t.Errorf("%s imports %s: only %q know Fyne", pkg, imp, fyne)
			}
			if below(imp, "fyne.io/fyne/v2/app") && pkg != "ui/cmd/holdfast-tray" {
				t.Errorf("%s imports %s, which needs cgo", pkg, imp)
			}
		}
	}
	if !slices.Contains(all["ui/cmd/holdfast-tray"], "fyne.io/fyne/v2/app") {
		t.Error("the tray's main does not import Fyne's app: the rule is out of date")
	}
}

// TestSixTargets builds the agent and the command line, the demo with it, without cgo for every system we ship for.
func TestSixTargets(t *testing.T) {
	for _, goos := range []string{"linux", "windows", "darwin"} {
		for _, arch := range []string{"amd64", "arm64"} {
			t.Run(goos+"-"+arch, func(t *testing.T) {
				cmd := exec.Command("go", "build", "-o", t.TempDir(), module+"agent/cmd/holdfastd", module+"ui/cmd/holdfast")
				cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+arch)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			})
		}
	}
}
