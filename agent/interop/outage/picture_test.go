package outage

import (
	"bytes"
	"fmt"
	"math"
	"time"
)

// The picture: one band for each scenario, in it a line for each lane, on it a dot for each run. The axis is logarithmic.
const (
	left, width, right = 290, 520, 20
	top, band, apart   = 84, 40, 12
	shortest, longest  = 10 * time.Millisecond, 100 * time.Second
)

var lanesDrawn = []struct{ lane, says, colour string }{
	{"holdfast", "holdfast", "#1b6ca8"},
	{"openconnect", "openconnect, DPD 5 s", "#d1603d"},
	{"unforced", "openconnect, DPD 30 s", "#e3b23c"},
}

// across is where a time lies on the axis; what is shorter than its begin lies there.
func across(d time.Duration) float64 {
	span := math.Log10(float64(longest) / float64(shortest))
	at := math.Log10(float64(min(max(d, shortest), longest))/float64(shortest)) / span
	return left + at*width
}

// picture draws every run.
func (r *report) picture() []byte {
	var b bytes.Buffer
	bottom := top + len(r.scenarios)*band
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", left+width+right, bottom+24)
	fmt.Fprintln(&b, `<rect width="100%" height="100%" fill="#ffffff"/>`)
	fmt.Fprintf(&b, `<text x="8" y="18" font-size="14">Without an answer from behind the gateway, once there is a way to it; every run</text>`+"\n")
	x := 8
	for _, l := range lanesDrawn {
		fmt.Fprintf(&b, `<circle cx="%d" cy="35" r="4" fill="%s"/><text x="%d" y="39">%s</text>`+"\n", x+4, l.colour, x+13, l.says)
		x += 40 + 7*len(l.says)
	}
	fmt.Fprintln(&b, `<line x1="12" x2="12" y1="49" y2="61" stroke="#444444" stroke-width="2"/><text x="21" y="60">wanted of half the runs of holdfast; × given up, or not within the time of a run</text>`)
	for d := shortest; d <= longest; d *= 10 {
		at := across(d)
		fmt.Fprintf(&b, `<line x1="%.0f" x2="%.0f" y1="%d" y2="%d" stroke="#dddddd"/><text x="%.0f" y="%d" text-anchor="middle" fill="#555555">%s</text>`+"\n", at, at, top-6, bottom, at, bottom+16, axis(d))
	}
	for i, s := range r.scenarios {
		y := top + i*band
		if i%2 == 0 {
			fmt.Fprintf(&b, `<rect x="0" y="%d" width="%d" height="%d" fill="#000000" fill-opacity="0.03"/>`+"\n", y-3, left+width+right, band)
		}
		fmt.Fprintf(&b, `<text x="8" y="%d">%s</text><text x="26" y="%d">%s</text>`+"\n", y+band/2, s.key[:1], y+band/2, s.name)
		if s.want.p50 > 0 {
			at := across(s.want.p50)
			fmt.Fprintf(&b, `<line x1="%.0f" x2="%.0f" y1="%d" y2="%d" stroke="#444444" stroke-width="2"/>`+"\n", at, at, y-1, y+band-5)
		}
		for k, l := range lanesDrawn {
			for _, one := range r.of(s, l.lane).runs {
				dot(&b, s, one, y+6+k*apart, l.colour)
			}
		}
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func dot(b *bytes.Buffer, s scenario, x result, y int, colour string) {
	at := across(s.figure(x))
	if x.ended || x.late {
		at = across(longest)
		fmt.Fprintf(b, `<path d="M%.1f %dl8 8m0 -8l-8 8" stroke="%s" stroke-width="2"/>`+"\n", at-4, y-4, colour)
		return
	}
	fmt.Fprintf(b, `<circle cx="%.1f" cy="%d" r="4" fill="%s" fill-opacity="0.75"/>`+"\n", at, y, colour)
}

func axis(d time.Duration) string {
	switch {
	case d == shortest:
		return fmt.Sprintf("≤ %d ms", d.Milliseconds())
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%d s", int(d.Seconds()))
}
