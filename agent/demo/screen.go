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
	width  int // columns

	mu    sync.Mutex
	out   io.Writer
	err   error // the first failed write
	began time.Time
	shown map[string]bool // what the timeline said since the script last did something
	quiet bool            // the script is about to break something: what the timeline says until then is not its work
}

// Columns that the demo is laid out for; a terminal outside gets one of these.
const (
	minWidth   = 64
	plainWidth = 104
	maxWidth   = 132
)

// newScreen makes the screen of a run; a run for a script shows nothing.
func newScreen(o Options) *screen {
	s := &screen{out: o.Out, colour: o.Colour, width: plainWidth, began: time.Now(), shown: map[string]bool{}}
	if o.Width > 0 {
		s.width = min(max(o.Width, minWidth), maxWidth)
	}
	if o.JSON {
		s.out = io.Discard
	}
	return s
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

// hush ends the show: an interruption is answered by nothing more.
func (s *screen) hush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = io.Discard
}

// opening says what this is.
func (s *screen) opening() {
	s.line("%s  agent and gateway in one process, on a network made of memory", s.paint(bold, "Holdfast demo"))
	s.line("It needs no privilege and changes nothing on this machine. 10 to 20 seconds.\n")
	s.line("  %s ))) Wi-Fi ))) router ─── internet ─── %s ─── %s", s.paint(cyan, "laptop"), s.paint(cyan, "gateway"), s.paint(cyan, "web, DNS"))
	s.line("  %s         NAT                %s   %s", laptopAddr, gatewayAddr, web4)
}

// step begins a step; times count from here.
func (s *screen) step(n int, title string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.began, s.shown, s.quiet = time.Now(), map[string]bool{}, false
	s.put("\n%s", s.paint(bold, fmt.Sprintf("%d  %s", n, title)))
}

// breaking begins a step in which the script breaks something; times count from when it does.
func (s *screen) breaking(n int, title string) {
	s.step(n, title)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quiet = true
}

// event writes one line of what happens, wrapped under itself. mu is held.
func (s *screen) event(at time.Time, style, what, text string) {
	const before = 27 // columns before the text
	head := s.paint(dim, fmt.Sprintf("%8.3f s", max(0, at.Sub(s.began).Seconds()))) + "  " + s.paint(style, fmt.Sprintf("%-13s", what)) + "  "
	s.put("%s%s", head, strings.Join(wrap(text, s.width-before), "\n"+strings.Repeat(" ", before)))
}

// wrap breaks a text into lines of at most width columns. Where it does not fit on one line, what is done about a thing, which stands behind a colon,
// begins a line of its own.
func wrap(text string, width int) []string {
	if len([]rune(text)) <= width {
		return []string{text}
	}
	if found, done, ok := strings.Cut(text, ": "); ok && len([]rune(found)) < width {
		return append([]string{found + ":"}, wrap(done, width)...)
	}
	var lines []string
	for _, word := range strings.Fields(text) {
		last := len(lines) - 1
		if last >= 0 && len([]rune(lines[last]))+1+len([]rune(word)) <= width {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

// untold are the reasons that are not shown: nothing was decided, the question and its answer are shown already, or a try was one of several. The timeline of a
// real agent has them all.
var untold = texts(machine.ReasonNone, machine.ReasonSpoke, machine.ReasonAsk, machine.ReasonAnswer, machine.ReasonHold, machine.ReasonSuperseded, machine.ReasonReachFailed, machine.ReasonRound,
	machine.ReasonPortalLook, machine.ReasonNoPortal)

func texts(reasons ...machine.Reason) map[string]bool {
	set := map[string]bool{}
	for _, r := range reasons {
		set[r.String()] = true
	}
	return set
}

// entry shows one line of the timeline, each reason once since the script last did something.
func (s *screen) entry(e ipc.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Reason == machine.ReasonCleaned.String() && e.Phase != "disconnected" {
		return // something else is still ending
	}
	what := e.Reason
	if what == machine.ReasonCarrier.String() && e.Evidence != "" {
		what = "packets travel by " + e.Evidence // the sentence is the same for every transport
	}
	if s.quiet || e.Reason == "" || untold[e.Reason] || s.shown[what] {
		return
	}
	s.shown[what] = true
	style := dim
	switch e.Phase {
	case "connected":
		style = green
	case "reconnecting":
		style = yellow
	}
	s.event(e.At, style, e.Phase, what)
}

// did says what the script does to the world. The first time in a step that breaks something, the clock starts.
func (s *screen) did(at time.Time, style, what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quiet {
		s.quiet, s.began = false, at
	}
	s.shown = map[string]bool{}
	s.put("%s  %s", s.paint(dim, fmt.Sprintf("%8.3f s", at.Sub(s.began).Seconds())), s.paint(style, "▸ "+what))
}

// asked shows a question and that the user answered it.
func (s *screen) asked(label, said string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.event(time.Now(), cyan, "?", label+" "+said)
}

// verdict is how a check went.
func (s *screen) verdict(ok bool, format string, args ...any) {
	mark := s.paint(green, "✓")
	if !ok {
		mark = s.paint(red, "✗")
	}
	const before = 4 // columns before the text
	s.line("  %s %s", mark, strings.Join(wrap(fmt.Sprintf(format, args...), s.width-before), "\n"+strings.Repeat(" ", before)))
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
	s.line("    traffic   %s  %s", b.String(), s.paint(dim, "a mark is 100 ms"))
}

// table closes the show.
func (s *screen) table(rows []Row) {
	head := []string{"broken", "for", "noticed", "traffic back", "asked", "address", "TCP"}
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
	s.line("%s", s.paint(dim, "  traffic back: after it was mended, or after it broke where nothing was mended"))
}
