package model

import (
	"strings"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/ui/locale"
)

// aboutPage says what runs here.
func (m Model) aboutPage() *About {
	agent := m.words.Text("details.about.noAgent")
	if m.here {
		agent = build(m.version)
	}
	return &About{
		Name: "Holdfast",
		Lines: []Fact{
			{Label: m.words.Text("details.about.tray"), Value: build(m.self.Version)},
			{Label: m.words.Text("details.about.agent"), Value: agent},
			{Label: m.words.Text("details.about.licence"), Value: "Apache-2.0"},
		},
		Text: m.words.Text("details.about.text"),
	}
}

// build names a build, as people give it to support.
func build(v ipc.Version) string {
	parts := []string{fault.Clean(v.Version)}
	for _, p := range []string{v.Commit, v.Go} {
		if p != "" {
			parts = append(parts, fault.Clean(p))
		}
	}
	return strings.Join(parts, " · ")
}

// bundle is how far the diagnostic bundle is.
type bundle struct {
	running bool
	part    float32
	step    string
	path    string
	err     *fault.Error
}

// ended is the bundle after the command that made it.
func (b bundle) ended(err *fault.Error) bundle {
	b.running, b.err = false, err
	return b
}

// collect starts a bundle and follows it.
func (m Model) collect(msg Msg) (Model, []Command) {
	b := &m.pages.bundle
	switch msg := msg.(type) {
	case Collect:
		if b.running || !m.version.Offers(ipc.FeatureDart) {
			return m, nil
		}
		*b = bundle{running: true}
		return m, []Command{Bundle{}}
	case Progressed:
		b.part, b.step = msg.Part, msg.Step
	case Bundled:
		b.path = msg.Path
	case Reveal:
		if b.path != "" {
			return m, []Command{RevealBundle{}}
		}
	}
	return m, nil
}

// diagnosticsPage makes a bundle for support and says where it is.
func (m Model) diagnosticsPage() *Diagnostics {
	b := m.pages.bundle
	page := &Diagnostics{Text: m.words.Text("details.diagnostics.text"), Progress: -1, Step: fault.Clean(b.step)}
	start := Button{Label: m.words.Text("details.diagnostics.start"), Msg: Collect{}, Primary: true}
	if b.running {
		page.Progress, start.Msg = b.part, nil
	}
	if b.err != nil {
		page.Error = m.explained(b.err)
	}
	page.Buttons = []Button{start}
	if b.path != "" && !b.running {
		page.Result = m.words.Text("details.diagnostics.result", locale.With("path", b.path))
		page.Buttons = append(page.Buttons, Button{Label: m.words.Text("details.diagnostics.open"), Msg: Reveal{}})
	}
	return page
}
