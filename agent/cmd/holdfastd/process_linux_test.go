package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// asProgram makes the test binary the program itself ("main"), or has it harden itself and print what is left of its environment ("environment").
const asProgram = "HOLDFASTD_TEST_AS"

func TestMain(m *testing.M) {
	switch os.Getenv(asProgram) {
	case "main":
		main()
		os.Exit(0)
	case "environment":
		if err := harden(); err != nil {
			fmt.Println(err)
		}
		fmt.Println(strings.Join(os.Environ(), "\n"))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// daemon is a running holdfastd with directories of its own.
type daemon struct {
	dir   string
	cmd   *exec.Cmd
	ready chan bool // true when it said that it is ready; closed when its output ended
}

// directories returns where a daemon's directories go.
func directories(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/run", "d") // short: a socket's path has 107 bytes
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// start runs holdfastd in dir; shell is what a shell does before it: "exec "$@"" and its redirections.
func start(t *testing.T, dir, shell string, stderr io.Writer) *daemon {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-c", shell, "sh", self, "run", "--log-level", "debug", "--state-dir", dir + "/state", "--runtime-dir", dir + "/run", "--profile-dir", dir + "/profile"}
	d := &daemon{dir: dir, cmd: exec.Command("sh", args...), ready: make(chan bool, 1)}
	d.cmd.Env = append(os.Environ(), asProgram+"=main")
	d.cmd.Stderr = stderr
	out, err := d.cmd.StdoutPipe()
	if err == nil {
		err = d.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.cmd.Process.Kill(); _ = d.cmd.Wait() })
	go func() {
		defer close(d.ready)
		for s := bufio.NewScanner(out); s.Scan(); {
			d.ready <- s.Text() == "ready: "+dir+"/run/agent.sock"
		}
	}()
	return d
}

// up waits until it is ready.
func (d *daemon) up(t *testing.T) *daemon {
	t.Helper()
	select {
	case ok := <-d.ready:
		if !ok {
			t.Fatal("it did not become ready")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it is not ready after 10 s")
	}
	return d
}

// end sends the signals and returns the exit code.
func (d *daemon) end(t *testing.T, signals ...syscall.Signal) int {
	t.Helper()
	for _, s := range signals {
		if err := d.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
	}
	timer := time.AfterFunc(8*time.Second, func() { _ = d.cmd.Process.Kill() })
	defer timer.Stop()
	_ = d.cmd.Wait()
	return d.cmd.ProcessState.ExitCode()
}

const plain = `exec "$@"`

// TestEnds: whatever ends it, it takes its socket away and says that all is well.
func TestEnds(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	for _, c := range []struct {
		name    string
		signals []syscall.Signal
	}{
		{"the service manager's signal", []syscall.Signal{syscall.SIGTERM}},
		{"the same, impatiently", []syscall.Signal{syscall.SIGTERM, syscall.SIGTERM, syscall.SIGTERM}},
		{"an interrupt", []syscall.Signal{syscall.SIGINT}},
		{"its terminal was closed", []syscall.Signal{syscall.SIGHUP}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := start(t, directories(t), plain, nil).up(t)
			if code := d.end(t, c.signals...); code != 0 {
				t.Errorf("exit %d", code)
			}
			if _, err := os.Lstat(d.dir + "/run/agent.sock"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the socket: %v", err)
			}
		})
	}
}

// TestLivesWithoutStandardFiles: what reads its log may die, and it may get no files at all.
func TestLivesWithoutStandardFiles(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	t.Run("closed", func(t *testing.T) {
		d := start(t, directories(t), plain+" <&- 2>&-", nil).up(t)
		if code := d.end(t, syscall.SIGTERM); code != 0 {
			t.Errorf("exit %d", code)
		}
	})
	t.Run("nobody reads the log", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		dir := directories(t)
		if err := errors.Join(os.Mkdir(dir+"/profile", 0o755), os.WriteFile(dir+"/profile/bad.xml", nil, 0o644)); err != nil {
			t.Fatal(err)
		}
		d := start(t, dir, plain, w).up(t)
		w.Close()
		if _, err := ipc.NewClient(dir + "/run/agent.sock").Hosts(t.Context()); err != nil { // a profile that is none is logged
			t.Error(err)
		}
		if code := d.end(t, syscall.SIGTERM); code != 0 {
			t.Errorf("exit %d", code)
		}
	})
}

// TestModes: with no umask at all, nobody else may write to or read what the agent keeps.
func TestModes(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	d := start(t, directories(t), "umask 0; "+plain, nil).up(t)
	if err := filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == d.dir {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		switch {
		case path == d.dir+"/run":
			want = 0o711
		case e.IsDir():
			want = 0o700
		case e.Type() == fs.ModeSocket && info.Mode().Perm() == 0o660: // root:holdfast, where there is that group
			want = 0o660
		}
		if info.Mode().Perm() != want || info.Sys().(*syscall.Stat_t).Uid != 0 {
			t.Errorf("%s: %v, want %o", path, info.Mode(), want)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	locks, err := filepath.Glob("/run/holdfast-net-*.lock")
	if err != nil || len(locks) != 1 {
		t.Fatalf("locks: %v, %v", locks, err)
	}
	if info, err := os.Stat(locks[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v, %v", locks[0], info.Mode(), err)
	}
	d.end(t, syscall.SIGTERM)
}

// TestRefusesToStart: unsafe places and a second agent, each in one coded line and without a trace in what was refused.
func TestRefusesToStart(t *testing.T) {
	testenv.Require(t, "uid")
	if !testenv.Namespace(t) {
		return
	}
	for _, c := range []struct {
		name, code string
		prepare    func(dir string) error
	}{
		{"runtime directory of another user", "HOST-006", func(dir string) error {
			return errors.Join(os.Mkdir(dir+"/run", 0o755), os.Chown(dir+"/run", 65534, 65534))
		}},
		{"runtime directory that all may write to", "HOST-006", func(dir string) error { return errors.Join(os.Mkdir(dir+"/run", 0o777), os.Chmod(dir+"/run", 0o777)) }},
		{"state directory that is another user's link", "HOST-006", func(dir string) error {
			return errors.Join(os.Mkdir(dir+"/elsewhere", 0o700), os.Symlink(dir+"/elsewhere", dir+"/state"), os.Lchown(dir+"/state", 65534, 65534))
		}},
		{"a file where the socket goes", "HOST-006", func(dir string) error {
			return errors.Join(os.Mkdir(dir+"/run", 0o711), os.WriteFile(dir+"/run/agent.sock", []byte("precious"), 0o600))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := directories(t)
			if err := c.prepare(dir); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			d := start(t, dir, plain, &log)
			if code := d.end(t); code != 1 || !strings.Contains(log.String(), "error: ") || !strings.Contains(log.String(), "("+c.code+")\n") {
				t.Errorf("exit %d\n%s", code, log.String())
			}
		})
	}
	t.Run("a second agent", func(t *testing.T) {
		first := start(t, directories(t), plain, nil).up(t)
		for _, dir := range []string{first.dir, directories(t)} {
			var log bytes.Buffer
			if code := start(t, dir, plain, &log).end(t); code != 1 || !strings.Contains(log.String(), "(HOST-005)\n") {
				t.Errorf("exit %d\n%s", code, log.String())
			}
		}
		if code := first.end(t, syscall.SIGTERM); code != 0 {
			t.Errorf("the first: exit %d", code)
		}
	})
}

// TestHardened reads back from the kernel what harden asked for. The files in /proc of a process that is not dumpable belong to root, whoever it runs as (proc(5)).
func TestHardened(t *testing.T) {
	testenv.Require(t, "uid")
	if !testenv.Namespace(t) {
		return
	}
	const other = 65534
	dir := directories(t)
	for _, name := range []string{"/state", "/run"} {
		if err := errors.Join(os.Mkdir(dir+name, 0o700), os.Chown(dir+name, other, other)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(dir, other, other); err != nil {
		t.Fatal(err)
	}
	binary := dir + "/holdfastd" // where go test builds, other users may not look
	b, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(binary, b, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{dir: dir, cmd: exec.Command(binary, "run", "--state-dir", dir+"/state", "--runtime-dir", dir+"/run", "--profile-dir", dir), ready: make(chan bool, 1)}
	d.cmd.Env = append(os.Environ(), asProgram+"=main", "GOTRACEBACK=crash")
	d.cmd.Stderr = os.Stderr
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: other, Gid: other}}
	out, err := d.cmd.StdoutPipe()
	if err == nil {
		err = d.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.cmd.Process.Kill(); _ = d.cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(line, "ready: ") {
		t.Fatalf("it said %q, %v", line, err)
	}
	proc := fmt.Sprintf("/proc/%d", d.cmd.Process.Pid)
	limits, err := os.ReadFile(proc + "/limits")
	if err != nil {
		t.Fatal(err)
	}
	core := slices.Collect(strings.Lines(string(limits)))
	i := slices.IndexFunc(core, func(l string) bool { return strings.HasPrefix(l, "Max core file size") })
	if i < 0 || !slices.Equal(strings.Fields(core[i])[4:6], []string{"0", "0"}) {
		t.Errorf("core files: %q", core)
	}
	info, err := os.Stat(proc + "/mem")
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Errorf("dumpable: its memory belongs to %v, %v", info.Sys(), err)
	}
	if b, err := os.ReadFile(proc + "/cmdline"); err != nil || bytes.Count(b, []byte{0}) != 8 {
		t.Errorf("arguments: %q, %v", b, err)
	}
	if code := d.end(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// TestEnvironment: nothing in the environment weakens the agent. SSL_CERT_FILE would replace the system's roots, GODEBUG bring old cryptography back.
func TestEnvironment(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = []string{asProgram + "=environment", "SSL_CERT_FILE=/tmp/evil.pem", "SSL_CERT_DIR=/tmp", "GODEBUG=tlsmlkem=0,tls10server=1", "HTTPS_PROXY=http://127.0.0.1:1",
		"NOTIFY_SOCKET=/run/systemd/notify"}
	out, err := cmd.Output()
	if err != nil || string(out) != "NOTIFY_SOCKET=/run/systemd/notify\n" {
		t.Errorf("left: %q, %v", out, err)
	}
}
