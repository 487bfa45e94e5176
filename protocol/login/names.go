package login

import "strconv"

// numbering gives the fields of successive forms their names towards the user: a name that comes again in a later form is NAME2, NAME3. A form that
// refuses the last answer asks the same names again.
type numbering struct {
	seen map[string]int // how often a name came, in all forms
	last map[string]int // how often it came in the last form that had it
}

// form returns the names for a form's inputs, in order.
func (n *numbering) form(inputs []string, refused bool) []string {
	if n.seen == nil {
		n.seen, n.last = map[string]int{}, map[string]int{}
	}
	here := map[string]int{}
	used := map[string]bool{}
	names := make([]string, 0, len(inputs))
	for _, in := range inputs {
		here[in]++
		k := n.seen[in] + here[in]
		if refused {
			k -= n.last[in]
		}
		name := numbered(in, k)
		for used[name] { // a gateway that calls a field password2 beside a second password
			k++
			name = numbered(in, k)
		}
		used[name] = true
		names = append(names, name)
	}
	for in, count := range here {
		if refused {
			n.seen[in] -= n.last[in]
		}
		n.seen[in] += count
		n.last[in] = count
	}
	return names
}

// numbered is NAME, NAME2, NAME3.
func numbered(name string, k int) string {
	if k <= 1 {
		return name
	}
	return name + strconv.Itoa(k)
}
