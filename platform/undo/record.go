package undo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
)

// Limits of a journal file. The router's largest plan has some ten thousand routes of about a hundred bytes each.
const (
	maxFile    = 4 << 20
	maxEntries = 20000
)

// record is one slot as it stands in a file: a line of eight hexadecimal digits (CRC-32C of what follows the space), a space, and the JSON of this.
type record struct {
	Slot    Slot    `json:"slot"`
	Entries []Entry `json:"entries"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrTorn says that a file ends in a line that is not whole, or was damaged: what stands before it counts.
var ErrTorn = errors.New("the undo journal is damaged from here on")

// appendRecord appends the record's line.
func appendRecord(b []byte, r record) ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return b, err
	}
	b = fmt.Appendf(b, "%08x ", crc32.Checksum(body, castagnoli))
	return append(append(b, body...), '\n'), nil
}

// parse reads a journal file. Of several records of one slot the last counts. The records before a damaged one are returned together with ErrTorn.
func parse(b []byte) (map[Slot][]Entry, error) {
	slots := map[Slot][]Entry{}
	if len(b) > maxFile {
		return slots, fmt.Errorf("%w: %d bytes", ErrTorn, len(b))
	}
	for n := 1; len(b) > 0; n++ {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		if !whole {
			return slots, fmt.Errorf("%w: line %d ends early", ErrTorn, n)
		}
		r, err := parseRecord(line)
		if err != nil {
			return slots, fmt.Errorf("%w: line %d: %v", ErrTorn, n, err)
		}
		slots[r.Slot] = r.Entries
		b = rest
	}
	return slots, nil
}

func parseRecord(line []byte) (record, error) {
	var sum uint32
	if len(line) < 10 || line[8] != ' ' {
		return record{}, errors.New("no checksum")
	}
	if _, err := fmt.Sscanf(string(line[:8]), "%08x", &sum); err != nil {
		return record{}, errors.New("no checksum")
	}
	body := line[9:]
	if crc32.Checksum(body, castagnoli) != sum {
		return record{}, errors.New("wrong checksum")
	}
	var r record
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return record{}, err
	}
	if dec.More() {
		return record{}, errors.New("more than one value")
	}
	return r, r.check()
}

func (r record) check() error {
	if r.Slot != SlotTun && r.Slot != SlotRouter && r.Slot != SlotFilter && r.Slot != SlotDNS {
		return fmt.Errorf("slot %q", r.Slot)
	}
	if len(r.Entries) > maxEntries {
		return fmt.Errorf("%d entries", len(r.Entries))
	}
	for _, e := range r.Entries {
		if err := e.check(); err != nil {
			return err
		}
	}
	return nil
}
