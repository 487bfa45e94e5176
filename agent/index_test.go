package agent_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// tests lists every test of the repository as "folder.TestName".
func tests(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(strings.TrimPrefix(filepath.Dir(path), ".."+string(filepath.Separator)))
		for _, m := range declared.FindAllSubmatch(text, -1) {
			all[dir+"."+string(m[1])] = true
		}
		return nil
	})
	if err != nil || len(all) < 300 {
		t.Fatalf("%d tests found, %v", len(all), err)
	}
	return all
}

// TestEveryRuleOfCiscosNotesHasATest: docs/compatibility.md lists the rules of the notes, each with tests that are there, and the numbers have no gap.
func TestEveryRuleOfCiscosNotesHasATest(t *testing.T) {
	page, err := os.ReadFile("../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, ok := strings.Cut(string(page), "<!-- rules: begin -->\n")
	list, _, closed := strings.Cut(list, "<!-- rules: end -->")
	if !ok || !closed {
		t.Fatal("the page has no list of rules")
	}
	all, named := tests(t), regexp.MustCompile("`([\\w/]+\\.Test\\w+)`")
	rows := map[string]int{}
	for _, row := range strings.Split(list, "\n") {
		m := regexp.MustCompile(`^\| ([CD])(\d+) `).FindStringSubmatch(row)
		if m == nil {
			continue
		}
		rows[m[1]]++
		if n, _ := strconv.Atoi(m[2]); n != rows[m[1]] {
			t.Errorf("%s%s stands where %d belongs", m[1], m[2], rows[m[1]])
		}
		names := named.FindAllStringSubmatch(row, -1)
		if len(names) == 0 {
			t.Errorf("%s%s has no test", m[1], m[2])
		}
		for _, n := range names {
			if !all[n[1]] {
				t.Errorf("%s%s: there is no %s", m[1], m[2], n[1])
			}
		}
	}
	if rows["C"] != 11 || rows["D"] != 10 {
		t.Errorf("rows: %v", rows)
	}
	for name := range all { // and nothing is written that nobody finds
		if (strings.Contains(name, ".TestSourceC_") || strings.Contains(name, ".TestSourceD_")) && !strings.Contains(list, "`"+name+"`") {
			t.Errorf("%s is in no row", name)
		}
	}
}

// reports are the field reports about sessions that do not come back, by their number in the scenarios ("lesson 12"), as far as no scenario of the machine tells them:
// the tests that do, or why there is none.
var reports = map[int]string{
	2:  "agent/interop.TestNamesComeBack protocol/login.TestSessionTriesTheAddressThatWorkedFirst", // the gateway's name, asked of name servers inside the tunnel
	22: "protocol/login.TestSessionResolvesAgain",                                                  // another address inside the office
	27: "agent/machine.TestSim agent/machine.FuzzWorld agent.TestPanicInALogin",                    // panics on roaming and waking
	30: "agent/interop.TestKilledAgent",                                                            // a resolver that points into a tunnel that is dead
	35: "agent/interop.TestNamesComeBack",                                                          // DNS after a reconnect
	45: "agent/interop.TestNamesComeBack",                                                          // DNS rewritten by others
	58: "protocol/gateway.TestSearchForTheMTU protocol/gateway.TestKnownMTUStays",                  // MTU that goes up and down
	59: "agent/interop.TestNarrowPath protocol/gateway.TestPathShrinks",                            // large packets vanish
	60: "protocol/gateway.TestSearchForTheMTU",                                                     // probing that costs the session
	62: "agent/machine.TestScenarios",                                                              // an idle session has no deadline before its gateway's: ten-hours has none for hours
	66: "agent.TestSessionIsNearlyOver",                                                            // a warning before the end
}

// wanted are the numbers that concern reconnecting: sleep and reconnect, roaming, and what of names, transports and logins belongs to it.
var wanted = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 35, 45, 56, 58, 59, 60, 62, 66, 67, 75, 76}

// TestEveryReportIsToldAgain: each report that concerns reconnecting is a scenario of the machine, with its timeline, or has a test elsewhere.
func TestEveryReportIsToldAgain(t *testing.T) {
	all := tests(t)
	told := map[int][]string{}
	files, err := filepath.Glob("machine/testdata/scenarios/*.txt")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d scenarios, %v", len(files), err)
	}
	cited := regexp.MustCompile(`\(lesson (\d+)[),]`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(strings.TrimSuffix(file, ".txt") + ".golden"); err != nil {
			t.Error(err)
		}
		if !strings.HasPrefix(string(text), "# ") {
			t.Errorf("%s does not say what it stands for", file)
		}
		for _, m := range cited.FindAllStringSubmatch(string(text), -1) {
			n, _ := strconv.Atoi(m[1])
			told[n] = append(told[n], filepath.Base(file))
		}
	}
	for _, n := range wanted {
		where, elsewhere := reports[n]
		for _, name := range strings.Fields(where) {
			if !all[name] {
				t.Errorf("report %d: there is no %s", n, name)
			}
		}
		switch {
		case len(told[n]) == 0 && !elsewhere:
			t.Errorf("report %d is told nowhere", n)
		default:
			t.Log(strings.TrimSpace(fmt.Sprintf("%d: %s %s", n, strings.Join(told[n], " "), where)))
		}
	}
	for _, n := range slices.Concat(slices.Collect(maps.Keys(told)), slices.Collect(maps.Keys(reports))) {
		if !slices.Contains(wanted, n) {
			t.Errorf("report %d is told and not among those wanted", n)
		}
	}
}
