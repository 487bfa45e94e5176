package view

import (
	"math"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// timeline is the picture of what happened: a band for each state that lasted, with its shape and as long as it lasted, and above the bands a mark for each event. Below them is a card with
// what is said of the mark that the mouse or the keyboard is at, and of the band where there is no mark.
//
//	marks     o    ^     o                <- told apart by form: a disc is good, a triangle a warning, a diamond an error, a ring neither
//	bands  [ (shape) connected    ][/][ connected ]
//	axis      |10:30      |10:45      |11:00
//	            .------------------------.
//	card        | title, cause, evidence |
//	            '------------------------'
//
// Left and Right go from mark to mark, Home and End to the first and last, Enter holds the card until Escape: the mouse may go elsewhere then.
type timeline struct {
	widget.BaseWidget
	shown model.Timeline
	keyed func(*fyne.KeyEvent)

	seq     uint64 // of the mark that the keyboard is at
	mark    int    // its index; -1 for none
	pinned  bool   // its card stays
	over    int    // the mark that the mouse is at; -1 for none
	band    int    // the band that the mouse is at; -1 for none
	focused bool

	card *tipCard
}

// Sizes of a timeline, in Fyne's pixels where text has its plain size: all but distances grow with it.
const (
	timelineMarks = 30 // the lane of marks
	timelineBand  = 44
	timelineAxis  = 26
	timelineDot   = 11 // a mark
	timelineThin  = 3  // a band that is too short to be seen
	timelineShape = 18 // the picture in a band
	timelineEdge  = 8  // at both ends: a mark there is whole
	timelineNear  = 8  // how far the mouse may be from a mark
	timelineGap   = 12 // above the card
)

// newTimeline returns an empty one.
func newTimeline(keyed func(*fyne.KeyEvent)) *timeline {
	t := &timeline{keyed: keyed, mark: -1, over: -1, band: -1, card: newTipCard()}
	t.ExtendBaseWidget(t)
	return t
}

// set changes what is shown. The mark that the keyboard is at stays that mark.
func (t *timeline) set(s model.Timeline) {
	t.shown = s
	t.mark = -1
	for i, k := range s.Marks {
		if k.Seq == t.seq && t.seq != 0 {
			t.mark = i
		}
	}
	t.pinned = t.pinned && t.mark >= 0
	t.over, t.band = -1, -1 // what is below the mouse may be another now; the next move tells
	t.tell()
	t.Refresh()
}

// x is where a time is, at a width.
func (t *timeline) x(at time.Time, width float32) float32 {
	long := t.shown.To.Sub(t.shown.From)
	if long <= 0 {
		return timelineEdge
	}
	part := float64(at.Sub(t.shown.From)) / float64(long)
	return timelineEdge + float32(math.Max(0, math.Min(1, part)))*(width-2*timelineEdge)
}

// current is the mark that the card is about; -1 for none.
func (t *timeline) current() int {
	if t.over >= 0 && !t.pinned {
		return t.over
	}
	return t.mark
}

// tell fills the card.
func (t *timeline) tell() {
	switch i := t.current(); {
	case i >= 0 && (t.band < 0 || t.over >= 0 || t.pinned):
		k := t.shown.Marks[i]
		t.card.set(k.Tone, k.Title, k.Facts, t.pinned)
	case t.band >= 0 && t.band < len(t.shown.Bands):
		t.card.set(model.ToneFaint, t.shown.Bands[t.band].Tip, nil, false)
	default:
		t.card.set(model.ToneFaint, t.shown.Hint, nil, false)
	}
}

// goTo puts the keyboard at a mark.
func (t *timeline) goTo(i int) {
	if len(t.shown.Marks) == 0 {
		return
	}
	t.mark = max(0, min(i, len(t.shown.Marks)-1))
	t.seq = t.shown.Marks[t.mark].Seq
	t.over, t.band = -1, -1
	t.tell()
	t.Refresh()
}

// TypedKey goes from mark to mark.
func (t *timeline) TypedKey(e *fyne.KeyEvent) {
	last := len(t.shown.Marks) - 1
	switch e.Name {
	case fyne.KeyLeft:
		if t.mark < 0 {
			t.mark = last + 1
		}
		t.goTo(t.mark - 1)
	case fyne.KeyRight:
		t.goTo(t.mark + 1)
	case fyne.KeyHome:
		t.goTo(0)
	case fyne.KeyEnd:
		t.goTo(last)
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		t.pin(t.current())
	case fyne.KeyEscape:
		if !t.pinned {
			t.keyed(e)
			return
		}
		t.pin(-1)
	default:
		t.keyed(e)
	}
}

// TypedShortcut copies what the card says.
func (t *timeline) TypedShortcut(s fyne.Shortcut) {
	if _, ok := s.(*fyne.ShortcutCopy); !ok || t.current() < 0 {
		passOn(t, s)
		return
	}
	copyOut(t, t.card.plain())
}

// pin holds the card of a mark, or lets go of it where it is held already.
func (t *timeline) pin(i int) {
	t.pinned = i >= 0 && !(t.pinned && i == t.mark)
	if i >= 0 {
		t.mark, t.seq = i, t.shown.Marks[i].Seq
	}
	t.tell()
	t.Refresh()
}

// FocusGained implements fyne.Focusable.
func (t *timeline) FocusGained() {
	t.focused = true
	t.Refresh()
}

// FocusLost is called when the keyboard goes elsewhere.
func (t *timeline) FocusLost() {
	t.focused = false
	t.Refresh()
}

// TypedRune takes no text.
func (t *timeline) TypedRune(rune) {}

// Tapped holds the card of the mark below the mouse, and lets go of it elsewhere.
func (t *timeline) Tapped(e *fyne.PointEvent) {
	if on := fyne.CurrentApp().Driver().CanvasForObject(t); on != nil {
		on.Focus(t)
	}
	if e.Position.Y <= t.deep() {
		t.pin(t.markAt(e.Position.X))
	}
}

// MouseIn, MouseMoved and MouseOut implement desktop.Hoverable.
func (t *timeline) MouseIn(e *desktop.MouseEvent) { t.point(e.Position) }

// MouseMoved tells of what the mouse is at.
func (t *timeline) MouseMoved(e *desktop.MouseEvent) { t.point(e.Position) }

// MouseOut is called when the mouse has left.
func (t *timeline) MouseOut() { t.point(fyne.NewPos(-1, -1)) }

// point finds the mark or band at a place: in the lane of marks the nearest mark, in the bands the band unless a mark is just above.
func (t *timeline) point(at fyne.Position) {
	over, band := -1, -1
	if at.Y >= 0 && at.Y <= t.deep() {
		over = t.markAt(at.X)
		if at.Y > t.lane() {
			over, band = -1, t.bandAt(at.X)
		}
	}
	if over == t.over && band == t.band {
		return
	}
	t.over, t.band = over, band
	t.tell()
	t.Refresh()
}

// markAt is the nearest mark to a place; -1 where none is near.
func (t *timeline) markAt(x float32) int {
	best, near := -1, float32(timelineNear)
	for i, k := range t.shown.Marks {
		if d := float32(math.Abs(float64(t.x(k.At, t.Size().Width) - x))); d <= near {
			best, near = i, d
		}
	}
	return best
}

// bandAt is the band at a place: of several the last one that begins before it, as drawn.
func (t *timeline) bandAt(x float32) int {
	found := -1
	for i, b := range t.shown.Bands {
		from, to := t.ends(b, t.Size().Width)
		if x >= from && x < to {
			found = i
		}
	}
	return found
}

// ends are where a band begins and ends, at a width: never so near that it cannot be seen.
func (t *timeline) ends(b model.Band, width float32) (from, to float32) {
	from, to = t.x(b.From, width), t.x(b.To, width)
	if to < from+timelineThin {
		from = min(from, width-timelineEdge-timelineThin)
		to = from + timelineThin
	}
	return from, to
}

// lane is the height of the lane of marks, and deep that of the bands with it.
func (t *timeline) lane() float32 { return timelineMarks * em(t) }
func (t *timeline) deep() float32 { return (timelineMarks + timelineBand) * em(t) }

// tall is the height of the picture without the card.
func (t *timeline) tall() float32 {
	return t.deep() + max(timelineAxis, 6+fyne.MeasureText("0", measure(theme.SizeNameCaptionText, t), fyne.TextStyle{}).Height)
}

// cardWide is the width of the card in a picture of a width.
func (t *timeline) cardWide(width float32) float32 { return min(width, 460) }

func (t *timeline) heightFor(width float32) float32 {
	return t.tall() + timelineGap + t.card.panel.heightFor(t.cardWide(width))
}
