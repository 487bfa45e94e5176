package bench

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// target is what a row must reach: at least rate times the peer's throughput, at most cost times its processor time per byte.
type target struct{ rate, cost float64 }

// The targets. None is ever lowered.
var (
	targetsOcserv = map[string]target{
		"DTLS up": {1, 0.4}, "DTLS down": {1, 0.5},
		"TLS up": {1, 0.5}, "TLS down": {1, 0.5},
	}
	targetGateway = target{1.8, 0.6}
)

// row is one comparison.
type row struct {
	name, peer   string
	ours, theirs figure
	rate, cost   float64 // ratios, ours to theirs
	want         target
}

func (r row) met() bool { return r.rate >= r.want.rate && r.cost <= r.want.cost }

// report collects rows and prints them.
type report struct {
	rows  []row
	pings []string
}

func (r *report) add(x row) { r.rows = append(r.rows, x) }

// String is the table, in Markdown.
func (r *report) String() string {
	var b strings.Builder
	if len(r.rows) > 0 {
		b.WriteString("| flow | beside | MB/s ours (least–most) | theirs | ratio | want | CPU-s/GB ours | theirs | ratio | want | |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	}
	for _, x := range r.rows {
		fmt.Fprintf(&b, "| %s | %s | %.0f (%.0f–%.0f) | %.0f (%.0f–%.0f) | %.2f | ≥ %.1f | %.2f | %.2f | %.2f | ≤ %.1f | %s |\n", x.name, x.peer, x.ours.rate, x.ours.least, x.ours.most,
			x.theirs.rate, x.theirs.least, x.theirs.most, x.rate, x.want.rate, x.ours.cost, x.theirs.cost, x.cost, x.want.cost, verdict(x.met()))
	}
	if len(r.pings) > 0 {
		b.WriteString("\n| to the first ping | ours | openconnect | want | |\n|---|---|---|---|---|\n")
	}
	for _, p := range r.pings {
		b.WriteString(p)
	}
	return b.String()
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "**missed**"
}

// picture draws the processor time per byte as bars.
func (r *report) picture() []byte {
	const (
		left, width, high = 150, 420, 16
		ours, theirs      = "#2a6f97", "#b8b8b8"
	)
	most := 0.1
	for _, x := range r.rows {
		most = max(most, x.ours.cost, x.theirs.cost)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", left+width+150, 30+len(r.rows)*3*high)
	fmt.Fprintf(&b, `<text x="0" y="14">Processor seconds of the client per 10^9 bytes of one TCP flow; less is better</text>`+"\n")
	for i, x := range r.rows {
		y := 30 + i*3*high
		fmt.Fprintf(&b, `<text x="0" y="%d">%s</text>`+"\n", y+high+4, x.name)
		for k, bar := range []struct {
			name, colour string
			cost         float64
		}{{"holdfast", ours, x.ours.cost}, {x.peer, theirs, x.theirs.cost}} {
			long := int(bar.cost / most * width)
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/><text x="%d" y="%d">%s %.2f</text>`+"\n", left, y+k*high, long, high-2, bar.colour, left+long+6, y+k*high+12, bar.name, bar.cost)
		}
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func itoa(n int) string { return strconv.Itoa(n) }
