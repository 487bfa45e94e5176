package lab

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a program that runs beside the test and ends with it.
type Process struct {
	l    *Lab
	cmd  *exec.Cmd
	log  bytes.Buffer  // of its standard error, to be read once it ended
	done chan struct{} // closed at its end
	mu   sync.Mutex
	said []line
}

// line is one of its standard output.
type line struct {
	at   time.Time
	text string
}

// Ready starts a process and waits for a line that holds the text on its standard output.
func (l *Lab) Ready(cmd *exec.Cmd, text string) *Process {
	l.Helper()
	p := &Process{l: l, cmd: cmd, done: make(chan struct{})}
	out, err := cmd.StdoutPipe()
	if err == nil {
		cmd.Stderr = &p.log
		err = cmd.Start()
	}
	if err != nil {
		l.Fatal(err)
	}
	begun := time.Now()
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			p.mu.Lock()
			p.said = append(p.said, line{time.Now(), s.Text()})
			p.mu.Unlock()
		}
		_ = cmd.Wait()
		close(p.done)
	}()
	l.Cleanup(func() { <-p.done })
	for end := begun.Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if _, ok := p.Said(text, begun); ok {
			return p
		}
		if p.Ended() {
			l.Fatalf("%s ended:\n%s%s", cmd, p.Output(), &p.log)
		}
	}
	l.Fatalf("%s does not say %q but\n%s", cmd, text, p.Output())
	return nil
}

// Said is when the process first said the text after a moment.
func (p *Process) Said(text string, after time.Time) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.said {
		if s.at.After(after) && strings.Contains(s.text, text) {
			return s.at, true
		}
	}
	return time.Time{}, false
}

// Output is all it said so far.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	for _, s := range p.said {
		b.WriteString(s.text + "\n")
	}
	return b.String()
}

// Pid is its process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Signal sends it a signal; one that ended takes none.
func (p *Process) Signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// Ended reports whether it has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Stop ends it by a signal and waits for its end.
func (p *Process) Stop(s syscall.Signal) {
	p.l.Helper()
	p.Signal(s)
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.l.Fatalf("%s does not end", p.cmd)
	}
}

// End says goodbye as a user who presses Control-C.
func (p *Process) End() { p.Stop(syscall.SIGINT) }

// CPU is the processor time of the process so far, in user and system mode: fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms.
func (p *Process) CPU() time.Duration {
	p.l.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Pid()))
	if err != nil {
		p.l.Fatal(err)
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // begins with field 3
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}
