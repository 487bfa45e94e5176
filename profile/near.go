package profile

import "strings"

// near says how an element that nobody defined there may be mended: it belongs elsewhere, or is one that is spelt a little differently. Empty when nothing comes to mind.
func near(name, path string) string {
	for _, e := range policyElements {
		if e.Name() == name && !strings.HasPrefix(path, updates) {
			return "; it belongs in " + PolicyFile
		}
	}
	best, distance := "", 3 // of two letters at most
	for _, e := range Elements() {
		other := e.Name()
		if other == name {
			if len(name) > 7 && e.Path != blockUntrusted { // shorter ones are everybody's: Name, Port
				return "; it belongs in " + within(e)
			}
			continue
		}
		if d := edits(strings.ToLower(name), strings.ToLower(other)); d < distance && d < len(name)/3 {
			best, distance = other, d
		}
	}
	if best != "" {
		return "; did you mean " + best + "?"
	}
	return ""
}

// within is the path of an element's parent, as it stands in a profile.
func within(e Element) string {
	parent := strings.TrimSuffix(strings.TrimSuffix(e.Path, e.Name()), "/")
	if strings.HasPrefix(e.Path, inHost) {
		return join("ServerList", parent)
	}
	return strings.TrimSuffix(join(clientInit, parent), "/")
}

// edits is the Levenshtein distance of two short names, in bytes; of long ones it is large.
func edits(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
