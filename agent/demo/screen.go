package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
)

// screen writes what the demo shows, in colour on a terminal. Events come from another goroutine than the script's lines.
type screen struct {
	colour bool

	mu    sync.Mutex
	out   io.Writer
	err   error // the first failed write
	began time.Time
	shown map[string]bool // what the timeline said since the script last did something: retries are not shown again and again
}

const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (s *screen) paint(style, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

func (s *screen) line(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(format, args...)
}

// put writes a line. mu is held.
func (s *screen) put(format string, args ...any) {
	if _, err := fmt.Fprintf(s.out, format+"\n", args...); err != nil && s.err == nil {
		s.err = err
	}
}

// opening says what this is.
func (s *screen) opening() {
	s.line("%s  a VPN agent and its gateway in one process, on a network made of memory.", s.paint(bold, "Holdfast demo"))
	s.line("No privilege is needed, and nothing on this machine is changed. It takes about 15 seconds.\n")
	s.line("  %s ))) Wi-Fi ))) router ─── internet ─── %s ─── %s", s.paint(cyan, "laptop"), s.paint(cyan, "gateway"), s.paint(cyan, "web, DNS"))
	s.line("  %s         NAT                %s   10.99.0.2\n", laptopAddr, gatewayAddr)
}

// step begins a step; times count from here.
func (s *screen) step(n int, title string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.began, s.shown = time.Now(), map[string]bool{}
	s.put("%s", s.paint(bold, fmt.Sprintf("%d  %s", n, title)))
}

// stamp is the time since the step began, mu is held.
func (s *screen) stamp(at time.Time) string {
	return s.paint(dim, fmt.Sprintf("%7.3f s", max(0, at.Sub(s.began).Seconds())))
}

// quiet are the reasons that are not shown: nothing was decided, or the question and its answer are shown already.
var quiet = map[string]bool{machine.ReasonNone.String(): true, machine.ReasonAsk.String(): true, machine.ReasonAnswer.String(): true}

// entry shows one line of the timeline; what was shown since the script last did something is left out.
func (s *screen) entry(e ipc.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := e.Phase + e.Reason
	if e.Reason == "" || quiet[e.Reason] || s.shown[key] {
		return
	}
	s.shown[key] = true
	style := dim
	switch e.Phase {
	case "connected":
		style = green
	case "reconnecting":
		style = yellow
	}
	s.put("   %s  %s %s", s.stamp(e.At), s.paint(style, fmt.Sprintf("%-14s", e.Phase)), e.Reason)
}

// did says what the script does to the world.
func (s *screen) did(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown = map[string]bool{}
	s.put("   %s  %s", s.stamp(time.Now()), s.paint(red, "▸ "+what))
}

// asked shows a question and that the user answered it.
func (s *screen) asked(label, said string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put("   %s  %s %s %s", s.stamp(time.Now()), s.paint(cyan, "?             "), label, said)
}

// verdict is how a check went.
func (s *screen) verdict(ok bool, format string, args ...any) {
	mark := s.paint(green, "✓")
	if !ok {
		mark = s.paint(red, "✗")
	}
	s.line("   %s %s", mark, fmt.Sprintf(format, args...))
}

// strip draws the traffic: one mark per tenth of a second.
func (s *screen) strip(cells []bool) {
	var b strings.Builder
	for i := 0; i < len(cells); {
		j := i
		for j < len(cells) && cells[j] == cells[i] {
			j++
		}
		if cells[i] {
			b.WriteString(s.paint(green, strings.Repeat("█", j-i)))
		} else {
			b.WriteString(s.paint(red, strings.Repeat("·", j-i)))
		}
		i = j
	}
	s.line("   traffic    %s  %s", b.String(), s.paint(dim, "each mark is 100 ms"))
}

// table closes the show.
func (s *screen) table(rows []Row) {
	head := []string{"what was broken", "for", "noticed after", "traffic back after", "asked", "inside address", "TCP connection"}
	cells := [][]string{head}
	for _, r := range rows {
		cells = append(cells, r.cells())
	}
	width := make([]int, len(head))
	for _, row := range cells {
		for i, c := range row {
			width[i] = max(width[i], len([]rune(c)))
		}
	}
	for n, row := range cells {
		var b strings.Builder
		for i, c := range row {
			b.WriteString("  " + c + strings.Repeat(" ", width[i]-len([]rune(c))))
		}
		text := strings.TrimRight(b.String(), " ")
		if n == 0 {
			text = s.paint(bold, text)
		}
		s.line("%s", text)
	}
}
