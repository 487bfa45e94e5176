package browser

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// openTime is how long the system's opener is watched for a failure. One that runs longer has become the browser.
const openTime = 3 * time.Second

// Open shows a page in the browser that this user has chosen. AUTH-016 when there is none, or no screen to show it on.
func Open(ctx context.Context, page string) error {
	if _, err := hostOf(page); err != nil {
		return err
	}
	if runtime.GOOS == "linux" && os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return fault.Newf(fault.AuthBrowser, nil, "there is no display") // xdg-open would take a browser for terminals
	}
	if os.Getenv("SUDO_USER") != "" && os.Geteuid() == 0 {
		return fault.Newf(fault.AuthBrowser, nil, "a browser does not run as root") // nor is root's the one where the person is signed in
	}
	args := opener(runtime.GOOS, page)
	return start(ctx, args[0], args[1:]...)
}

// opener is the program of a system that opens addresses, with its arguments.
func opener(goos, page string) []string {
	switch goos {
	case "windows":
		return []string{"rundll32.exe", "url.dll,FileProtocolHandler", page}
	case "darwin":
		return []string{"/usr/bin/open", page}
	}
	return []string{"xdg-open", page}
}

// start runs a program that outlives us, and reports what it says of itself in its first moments.
func start(ctx context.Context, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return fault.Newf(fault.AuthBrowser, err, "%s could not be run", name)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t := time.NewTimer(openTime)
	defer t.Stop()
	select {
	case err := <-ended:
		if err != nil {
			return fault.Newf(fault.AuthBrowser, err, "%s failed", name)
		}
	case <-t.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// check reports whether a prompt is one that a browser can answer.
func check(p *ipc.Prompt) error {
	if p == nil || p.Browser == nil || p.Browser.Port < 1024 {
		return fault.Newf(fault.AgentProtocol, nil, "a prompt of kind browser without a page")
	}
	_, err := hostOf(p.Browser.URL)
	return err
}
