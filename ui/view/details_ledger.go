package view

import (
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// ledgerKind is what a line of a ledger is.
type ledgerKind uint8

const (
	ledgerHeading ledgerKind = iota
	ledgerNote               // what the lines below mean
	ledgerFact               // a label and its value
	ledgerMessage            // a time and what was said
)

// ledgerRow is a line of a ledger.
type ledgerRow struct {
	kind ledgerKind
	a, b string // heading; note; label and value; time and text
	c    string // of a message its severity and code
	tone model.Tone
}

// plain is the line as it is copied.
func (r ledgerRow) plain() string {
	switch {
	case r.kind == ledgerMessage:
		return strings.TrimSpace(r.a + "  " + r.c + "  " + r.b)
	case r.b == "":
		return r.a
	}
	return r.a + ": " + r.b
}

// ledger is a long list of lines, of which only those in sight are drawn. The arrows go from line to line, Ctrl+C copies the line, a heading with all that is below it. Lines that change
// stay where they are; the place that somebody has scrolled to stays too.
type ledger struct {
	widget.List
	rows  []ledgerRow
	at    int // the chosen line; -1 for none
	wide  float32
	clock float32     // how wide the times of messages are: their column is as wide as the widest
	probe *ledgerLine // measures
	keyed func(*fyne.KeyEvent)
}

// newLedger returns an empty one.
func newLedger(keyed func(*fyne.KeyEvent)) *ledger {
	l := &ledger{at: -1, keyed: keyed, probe: newLedgerLine()}
	l.HideSeparators = true
	l.Length = func() int { return len(l.rows) }
	l.CreateItem = func() fyne.CanvasObject {
		line := newLedgerLine()
		line.of = l
		return line
	}
	l.probe.of = l
	l.UpdateItem = func(i widget.ListItemID, o fyne.CanvasObject) { o.(*ledgerLine).set(l.rows[i]) }
	l.OnSelected = func(i widget.ListItemID) { l.at = i }
	l.ExtendBaseWidget(l)
	return l
}

// set changes the lines. Where only values changed, only their lines are drawn anew; where lines came in front, what is in sight stays.
func (l *ledger) set(rows []ledgerRow) {
	if slices.Equal(l.rows, rows) {
		return
	}
	was, offset := l.rows, l.GetScrollOffset()
	l.rows = slices.Clone(rows)
	l.clock = 0
	for _, r := range rows {
		if r.kind == ledgerMessage {
			l.clock = max(l.clock, fyne.MeasureText(r.a, measure(theme.SizeNameText, l), fyne.TextStyle{}).Width)
		}
	}
	if len(was) == len(rows) && !slices.ContainsFunc(rows, func(r ledgerRow) bool { return r.kind == ledgerMessage }) {
		for i, r := range rows {
			if r != was[i] {
				l.measure(i)
				l.RefreshItem(i)
			}
		}
		return
	}
	l.measureAll()
	l.Refresh()
	if n := arrived(was, rows); n > 0 && offset > 0 {
		for i := range n {
			offset += l.probe.tall(rows[i], l.wide) + ledgerGap
		}
		l.ScrollToOffset(offset)
	}
}

// arrived is how many lines came in front of those that were there.
func arrived(was, now []ledgerRow) int {
	if len(was) == 0 {
		return 0
	}
	n := slices.Index(now, was[0])
	return max(0, n)
}

// measure tells the list how high a line is at its width.
func (l *ledger) measure(i int) { l.SetItemHeight(i, l.probe.tall(l.rows[i], l.wide)) }

func (l *ledger) measureAll() {
	for i := range l.rows {
		l.measure(i)
	}
}

// Resize implements fyne.CanvasObject: at another width lines are of other heights.
func (l *ledger) Resize(s fyne.Size) {
	if l.wide != s.Width {
		l.wide = s.Width
		l.measureAll()
	}
	l.List.Resize(s)
}

// FocusGained implements fyne.Focusable. The line that is chosen shows where the keyboard is.
func (l *ledger) FocusGained() {
	if l.at < 0 && len(l.rows) > 0 {
		l.Select(0)
	}
}

// FocusLost is called when the keyboard goes elsewhere.
func (l *ledger) FocusLost() {
	l.UnselectAll()
	l.at = -1
}

// TypedKey goes from line to line.
func (l *ledger) TypedKey(e *fyne.KeyEvent) {
	const far = 10
	to := l.at
	switch e.Name {
	case fyne.KeyDown:
		to++
	case fyne.KeyUp:
		to--
	case fyne.KeyPageDown:
		to += far
	case fyne.KeyPageUp:
		to -= far
	case fyne.KeyHome:
		to = 0
	case fyne.KeyEnd:
		to = len(l.rows) - 1
	default:
		l.keyed(e)
		return
	}
	if to = max(0, min(to, len(l.rows)-1)); to != l.at && len(l.rows) > 0 {
		l.Select(to)
	}
}

// TypedShortcut implements fyne.Shortcutable.
func (l *ledger) TypedShortcut(s fyne.Shortcut) {
	if _, ok := s.(*fyne.ShortcutCopy); ok {
		copyOut(l, l.chosen())
		return
	}
	passOn(l, s)
}

// chosen is the text of the line, or of everything below a heading; all of it where no line is chosen.
func (l *ledger) chosen() string {
	first, last := 0, len(l.rows)
	if l.at >= 0 && l.at < last {
		first, last = l.at, l.at+1
		if l.rows[first].kind == ledgerHeading {
			for last < len(l.rows) && l.rows[last].kind != ledgerHeading {
				last++
			}
		}
	}
	var b strings.Builder
	for _, r := range l.rows[first:last] {
		b.WriteString(r.plain() + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

// sectionRows are sections as lines.
func sectionRows(list []model.Section) []ledgerRow {
	var rows []ledgerRow
	for _, s := range list {
		rows = append(rows, ledgerRow{kind: ledgerHeading, a: s.Title})
		if s.Note != "" {
			rows = append(rows, ledgerRow{kind: ledgerNote, a: s.Note})
		}
		for _, f := range s.Rows {
			rows = append(rows, ledgerRow{kind: ledgerFact, a: f.Label, b: f.Value, tone: f.Tone})
		}
	}
	return rows
}

// historyRows are messages as lines.
func historyRows(list []model.HistoryLine) []ledgerRow {
	rows := make([]ledgerRow, len(list))
	for i, h := range list {
		rows[i] = ledgerRow{kind: ledgerMessage, a: h.At, b: h.Text, c: h.Severity, tone: h.Tone}
		if h.Code != "" {
			rows[i].c += " · " + h.Code
		}
	}
	return rows
}
