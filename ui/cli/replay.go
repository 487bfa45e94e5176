package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// ReplayStep is one decision of a replay.
type ReplayStep struct {
	Entry ipc.Entry
	From  string   // the phase before
	At    float64  // seconds since the record's first step, sleep included
	Slept float64  // of those, seconds asleep since the step before
	What  []string // the effects with what they are about
	Idle  bool     // it decided nothing, and the timeline leaves it out
}

func (a *app) replayCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "Go through a recorded session decision by decision",
		Long: "Run the reconnect machine again over a record, as \"holdfast timeline --save FILE\" writes it, and print what it\n" +
			"decided at each step: when, what happened, why it decided so, and what was to be done. No agent is needed and\n" +
			"nothing is done. FILE may be - for standard input.\n\n" +
			"The same record always gives the same decisions. Where this version decides otherwise than the one that wrote\n" +
			"the record, or the record was changed, the replay stops there, shows both decisions and exits with 1.\n\n" +
			"Times are seconds since the first step, with sleep. What only repeats itself is counted and not shown; --all\n" +
			"shows it. With --json every decision is one line as of \"timeline --json\".",
		Example: "  holdfast timeline --save lost.holdfast\n  holdfast replay lost.holdfast\n  holdfast replay --json lost.holdfast | jq -r 'select(.phase==\"reconnecting\").reason'",
		Args:    exactly(1, "a FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			in := a.In
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return fault.Newf(fault.UseBad, err, "%v", err)
				}
				defer f.Close()
				in = f
			}
			if a.json {
				return a.deps.Replay(in, func(s ReplayStep) {
					if !s.Idle {
						printJSON(a.Out, s.Entry)
					}
				})
			}
			p := player{out: a.Out, colour: a.Colour, all: all}
			err := a.deps.Replay(in, p.step)
			p.end(err)
			return err
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "show also what repeats itself, and ticks that found nothing to do")
	return cmd
}

// player prints a replay.
type player struct {
	out    io.Writer
	colour bool
	all    bool

	steps   int
	phase   string
	last    ReplayStep
	seen    map[string]int // how often a decision came since the phase was entered
	skipped int
}

// often is how many times the same decision is shown in one phase.
const often = 3

// step prints one decision, under a heading where the phase changed.
func (p *player) step(s ReplayStep) {
	if p.steps == 0 {
		if at := s.Entry.At; !at.IsZero() {
			fmt.Fprintf(p.out, "Recorded from %s on.\n", at.Local().Format("2 January 2006, 15:04:05 MST"))
		}
		p.enter(s.From, s)
	}
	p.steps++
	p.last = s
	if s.Slept >= 1 {
		p.more()
		fmt.Fprintf(p.out, "%12s  %s\n", "", p.paint("2", "asleep for "+span(time.Duration(s.Slept*float64(time.Second)))))
	}
	e := s.Entry
	like := strings.Join(append([]string{e.Event, e.Reason}, e.Effects...), " ")
	if p.seen[like]++; !p.all && e.Phase == p.phase && (s.Idle || p.seen[like] > often) {
		p.skipped++
		return
	}
	p.more()
	head := fmt.Sprintf("%10.3f s  %s", s.At, e.Event)
	if e.TookMS > 0 {
		head += p.paint("2", "  after "+cost(e.TookMS))
	}
	if evidence := line(e.Evidence); evidence != "" {
		head += p.paint("2", "  "+evidence)
	}
	fmt.Fprintln(p.out, head)
	if reason := line(e.Reason); reason != "" {
		fmt.Fprintf(p.out, "%12s  %s\n", "", reason)
	}
	if len(s.What) > 0 {
		fmt.Fprintf(p.out, "%12s  → %s\n", "", line(strings.Join(s.What, ", ")))
	}
	if e.Phase != p.phase {
		p.enter(e.Phase, s)
	}
}

// enter prints the heading of a phase.
func (p *player) enter(phase string, s ReplayStep) {
	p.phase, p.seen = phase, map[string]int{}
	colour := map[string]string{"connected": "32", "reconnecting": "33", "disconnecting": "31", "disconnected": "31"}[phase]
	at := ""
	if p.steps > 0 {
		at = fmt.Sprintf(" at %.3f s", s.At)
	}
	fmt.Fprintf(p.out, "%s%s\n", p.paint("1;"+or(colour, "36"), "● "+line(phase)), p.paint("2", at))
}

// more says how much was left out.
func (p *player) more() {
	if p.skipped > 0 {
		fmt.Fprintf(p.out, "%12s  %s\n", "", p.paint("2", fmt.Sprintf("… %d more like these, with nothing new", p.skipped)))
	}
	p.skipped = 0
}

// end says how it ended; the difference itself is the error that every command gives.
func (p *player) end(err error) {
	p.more()
	switch {
	case err == nil && p.steps == 0:
		fmt.Fprintln(p.out, "The record has no steps: nothing had happened when it was taken.")
	case err == nil:
		fmt.Fprintf(p.out, "%s over %s, and this version decides all of them as recorded.\n", count(p.steps, "step"), spanOf(p.last.At))
	case p.steps > 0:
		fmt.Fprintln(p.out, p.paint("1;31", "✗ from this step on the record and this version go different ways"))
	}
}

// spanOf is a span that may be shorter than a second.
func spanOf(seconds float64) string {
	if seconds < 10 {
		return fmt.Sprintf("%.1f s", seconds)
	}
	return span(time.Duration(seconds * float64(time.Second)))
}

func (p *player) paint(style, text string) string {
	if !p.colour || text == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}
