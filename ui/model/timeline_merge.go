package model

import (
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// weights order shapes by how much a person wants to know of them: where there is room for one only, it is the heaviest.
var weights = map[Shape]int{
	ShapeDisconnected: 0, ShapeConnected: 1, ShapePaused: 2, ShapeConnecting: 3, ShapeReconnecting: 4, ShapeAttention: 5, ShapeBlocked: 6,
}

// merged puts neighbours together that are shorter than a length each, until they are as long as that: a band alone between long ones stays, however short it is. There are no gaps after
// it either, and no more bands than four times as often as the length goes into the whole.
func merged(bands []Band, length time.Duration) []Band {
	var list []Band
	open := false // the last of list is put together of short ones, and still short
	for _, b := range bands {
		short := b.To.Sub(b.From) < length
		if last := len(list) - 1; open && short {
			list[last].To = b.To
			if weights[b.Shape] > weights[list[last].Shape] {
				list[last].Shape, list[last].Label = b.Shape, b.Label
			}
			open = list[last].To.Sub(list[last].From) < length
			continue
		}
		list = append(list, b)
		open = short
	}
	return slices.Clip(list)
}

// severities order tones in the same way.
var severities = map[Tone]int{ToneFaint: 0, TonePlain: 1, ToneGood: 2, ToneWarn: 3, ToneBad: 4}

// speaker is an entry that speaks for others beside it.
type speaker struct {
	entry  ipc.Entry
	others int
}

// thinned puts entries together that are too close to be told apart, where there are too many: the most severe speaks for the others.
func thinned(entries []ipc.Entry, long time.Duration) []speaker {
	cell := time.Duration(0)
	if len(entries) > maxMarks {
		cell = long/maxMarks + 1
	}
	var list []speaker
	var start time.Time
	for _, e := range entries {
		last := len(list) - 1
		if last < 0 || e.At.Sub(start) >= cell {
			list, start = append(list, speaker{entry: e}), e.At
			continue
		}
		list[last].others++
		if severities[entryTone(e)] > severities[entryTone(list[last].entry)] {
			list[last].entry = e
		}
	}
	return list
}

// How reasons are meant, by their number (docs/reason-codes.md). Others are plain.
var (
	bad   = []int{104, 108, 109, 110, 164, 165, 166, 167, 169, 171, 172}
	warn  = []int{6, 103, 105, 120, 121, 122, 124, 145, 146, 147, 148, 150, 151, 153, 154, 161, 183, 190, 191}
	good  = []int{107, 142, 143, 144, 157, 159, 192}
	quiet = []int{112, 113, 114, 149, 155, 156, 158, 168, 170, 181}
)

// entryTone is how an entry is meant: by the number of its reason, by its phase where an older agent sends none.
func entryTone(e ipc.Entry) Tone {
	switch {
	case slices.Contains(bad, e.Code):
		return ToneBad
	case slices.Contains(warn, e.Code):
		return ToneWarn
	case slices.Contains(good, e.Code):
		return ToneGood
	case slices.Contains(quiet, e.Code):
		return ToneFaint
	case e.Code == 0:
		return phaseTone(e.Phase)
	}
	return TonePlain
}

// steps are the distances that labels of the axis can have.
var steps = []time.Duration{
	5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour, 28 * 24 * time.Hour,
}

// axisLabels is how many there are at most.
const axisLabels = 7

// axis labels round times of the day, in now's zone; a midnight has the day.
func (m Model) axis(from, now time.Time) []AxisLabel {
	step := steps[len(steps)-1]
	for _, s := range slices.Backward(steps) {
		if now.Sub(from)/s < axisLabels {
			step = s
		}
	}
	_, zone := now.Zone()
	shift := time.Duration(zone) * time.Second
	at := from.Add(shift).Truncate(step).Add(-shift).In(now.Location())
	var list []AxisLabel
	for ; !at.After(now) && len(list) <= axisLabels; at = at.Add(step) {
		if at.Before(from) {
			continue
		}
		label := m.words.Clock(at)
		switch {
		case step < time.Minute:
			label = m.words.ClockSeconds(at)
		case at.Hour() == 0 && at.Minute() == 0, step > 12*time.Hour:
			label = m.words.Day(at)
		}
		list = append(list, AxisLabel{at, label})
	}
	return list
}
