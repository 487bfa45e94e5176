package view

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

// person sits before a small window with a keyboard and no mouse.
type person struct {
	t    *testing.T
	f    *Frame
	w    fyne.Window
	sent []model.Msg
}

// sit opens a window with a screen.
func sit(t *testing.T, s model.Screen) *person {
	t.Helper()
	dress(t, locale.English, theme.VariantLight, plainText)
	p := &person{t: t}
	p.f = NewFrame(func(m model.Msg) { p.sent = append(p.sent, m) })
	p.w = test.NewTempWindow(t, p.f.Object())
	p.w.SetPadded(false)
	p.w.Resize(FrameSize)
	p.w.Canvas().SetOnTypedKey(p.f.Key)
	p.f.Show(s.Window, s.Prompt)
	return p
}

// key presses keys.
func (p *person) key(names ...fyne.KeyName) {
	for _, n := range names {
		c := p.w.Canvas()
		switch focused := c.Focused(); {
		case n == fyne.KeyTab:
			test.FocusNext(c)
		case focused != nil:
			focused.TypedKey(&fyne.KeyEvent{Name: n})
		default:
			c.OnTypedKey()(&fyne.KeyEvent{Name: n})
		}
	}
}

// write types text where the keyboard is.
func (p *person) write(s string) {
	p.t.Helper()
	focused := p.w.Canvas().Focused()
	if focused == nil {
		p.t.Fatalf("the keyboard is nowhere, and %q was to be typed", s)
	}
	test.Type(focused, s)
}

// at names where the keyboard is.
func (p *person) at() string {
	switch o := p.w.Canvas().Focused().(type) {
	case nil:
		return ""
	case *press:
		return o.label.words
	case *choice:
		if o == p.f.window.hosts.list {
			return "hosts"
		}
		for i, in := range p.f.prompt.fields.in {
			if in.list == o {
				return p.f.prompt.fields.list[i].Name
			}
		}
	case *entry:
		if o == p.f.window.hosts.line {
			return "typed host"
		}
		for i, in := range p.f.prompt.fields.in {
			if in.line == o {
				return p.f.prompt.fields.list[i].Name
			}
		}
	}
	return fmt.Sprintf("%T", p.w.Canvas().Focused())
}

// tour is where the keyboard comes by pressing Tab, until it is where it was.
func (p *person) tour() []string {
	var all []string
	for len(all) < 20 {
		p.key(fyne.KeyTab)
		if slices.Contains(all, p.at()) {
			break
		}
		all = append(all, p.at())
	}
	return all
}

// answer is the one message that was sent, with its secrets in the clear.
func (p *person) answer() (a model.Answer, fields map[string]string) {
	p.t.Helper()
	if len(p.sent) != 1 {
		p.t.Fatalf("sent %v, not one answer", p.sent)
	}
	a, ok := p.sent[0].(model.Answer)
	if !ok {
		p.t.Fatalf("sent %T", p.sent[0])
	}
	fields = map[string]string{}
	for name, s := range a.Fields {
		fields[name] = string(s.Reveal())
	}
	return a, fields
}

// login is a form with a group, a name that is known, and a password.
func login() model.Screen { return handmade()["form"] }

// TestTabOrder: Tab goes from top to bottom over all that can be used, and over nothing else.
func TestTabOrder(t *testing.T) {
	tests := map[string][]string{
		"form":         {"Cancel", "Sign in", "group_list", "username", "password"},
		"trust":        {"Trust", "Do not connect"},
		"banner":       {"Decline", "Accept"},
		"connected":    {"Disconnect"},
		"disconnected": {"typed host", "Connect", "Open the page"},
		"failed":       {"hosts", "Connect"},
		"wait":         {"Cancel"},
	}
	for name, want := range tests {
		if got := sit(t, handmade()[name]).tour(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: Tab goes to %q, not %q", name, got, want)
		}
	}
}

// TestLogin: the keyboard is at the first empty field, Enter sends what was filled in, and nothing of the password is left.
func TestLogin(t *testing.T) {
	p := sit(t, login())
	if p.at() != "password" {
		t.Fatalf("the keyboard is at %q", p.at())
	}
	line := p.w.Canvas().Focused().(*entry)
	p.write("rosebud")
	p.key(fyne.KeyReturn)
	a, fields := p.answer()
	if want := map[string]string{"group_list": "s", "username": "jo", "password": "rosebud"}; a.Prompt != "1" || !reflect.DeepEqual(fields, want) {
		t.Errorf("sent %+v with %v, not %v", a, fields, want)
	}
	if line.Text != "" || line.SelectedText() != "" {
		t.Errorf("the entry still has %q", line.Text)
	}
	line.Undo()
	if line.Text != "" {
		t.Errorf("undo brings %q back", line.Text)
	}
}

// TestEnterGoesOn: Enter in a field goes on to the next empty one, and sends only from the last.
func TestEnterGoesOn(t *testing.T) {
	s := login()
	s.Prompt.Fields[1].Value = ""
	p := sit(t, s)
	if p.at() != "username" {
		t.Fatalf("the keyboard is at %q", p.at())
	}
	p.write("jo")
	p.key(fyne.KeyReturn)
	if p.at() != "password" || len(p.sent) != 0 {
		t.Fatalf("the keyboard is at %q, and %v was sent", p.at(), p.sent)
	}
	p.write("rosebud")
	p.key(fyne.KeyEnter)
	if _, fields := p.answer(); fields["username"] != "jo" || fields["password"] != "rosebud" {
		t.Errorf("sent %v", fields)
	}
}

// TestGroupByKeyboard: the arrows choose a group, and its value is sent, not its label.
func TestGroupByKeyboard(t *testing.T) {
	p := sit(t, login())
	p.w.Canvas().Focus(p.f.prompt.fields.in[0].list)
	p.key(fyne.KeyRight, fyne.KeyRight, fyne.KeyReturn)
	if _, fields := p.answer(); fields["group_list"] != "g" {
		t.Errorf("sent %v", fields)
	}
}

// TestEscape declines, wherever the keyboard is, and what was typed is gone.
func TestEscape(t *testing.T) {
	for name, s := range handmade() {
		if s.Prompt == nil {
			continue
		}
		p := sit(t, s)
		if p.at() == "password" {
			p.write("rosebud")
		}
		p.key(fyne.KeyEscape)
		a, _ := p.answer()
		if !a.Cancel && (a.Accept == nil || *a.Accept) || len(a.Fields) > 0 {
			t.Errorf("%s: sent %+v", name, a)
		}
		if len(p.f.prompt.fields.in) != 0 {
			t.Errorf("%s: what was typed is still there", name)
		}
	}
}

// TestTrustDeclines: where a gateway cannot be verified, Enter does not trust it.
func TestTrustDeclines(t *testing.T) {
	p := sit(t, handmade()["trust"])
	if p.at() != "Do not connect" {
		t.Fatalf("the keyboard is at %q", p.at())
	}
	p.key(fyne.KeyReturn)
	if a, _ := p.answer(); a.Accept == nil || *a.Accept {
		t.Errorf("sent %+v", a)
	}
}

// TestTooEarly: the button to trust does nothing while the question has only just come, and is there when it can have been read.
func TestTooEarly(t *testing.T) {
	s := handmade()["trust"]
	s.Prompt.Early = true
	p := sit(t, s)
	if p.f.prompt.submit.Tapped(nil); !p.f.prompt.submit.Disabled() || len(p.sent) > 0 {
		t.Errorf("sent %+v", p.sent)
	}
	s.Prompt.Early = false
	p.f.Show(s.Window, s.Prompt)
	if p.f.prompt.submit.Tapped(nil); len(p.sent) != 1 {
		t.Errorf("sent %+v", p.sent)
	}
}

// TestBanner: Enter accepts, and the keys scroll the text meanwhile.
func TestBanner(t *testing.T) {
	p := sit(t, handmade()["banner"])
	page := p.f.prompt.page
	p.key(fyne.KeyDown, fyne.KeyPageDown)
	if page.scroll.Offset.Y <= pageScrollBy {
		t.Errorf("scrolled to %v", page.scroll.Offset.Y)
	}
	p.key(fyne.KeyPageUp, fyne.KeyPageUp)
	if page.scroll.Offset.Y != 0 {
		t.Errorf("scrolled back to %v", page.scroll.Offset.Y)
	}
	p.key(fyne.KeyReturn)
	if a, _ := p.answer(); a.Accept == nil || !*a.Accept {
		t.Errorf("sent %+v", a)
	}
}

// TestForgets: what was typed is gone when the prompt is withdrawn, when another comes, and when the window closes; and it is not gone when the same comes again.
func TestForgets(t *testing.T) {
	other := login().Prompt
	other.ID = "another"
	again := login().Prompt
	again.Left = "1 min left"
	tests := map[string]struct {
		do   func(*Frame)
		kept string
	}{
		"withdrawn": {func(f *Frame) { f.Show(model.Window{}, nil) }, ""},
		"replaced":  {func(f *Frame) { f.Show(model.Window{}, other) }, ""},
		"closed":    {func(f *Frame) { f.Forget() }, ""},
		"the same":  {func(f *Frame) { f.Show(model.Window{}, again) }, "rosebud"},
	}
	for name, tt := range tests {
		p := sit(t, login())
		line := p.w.Canvas().Focused().(*entry)
		p.write("rosebud")
		tt.do(p.f)
		if line.Text != tt.kept {
			t.Errorf("%s: the entry has %q", name, line.Text)
		}
		if focused := p.w.Canvas().Focused() == fyne.Focusable(line); focused != (tt.kept != "") && name != "closed" {
			t.Errorf("%s: the keyboard is at the entry: %v", name, focused)
		}
	}
}

// TestBusy: while an answer is on its way nothing can be sent again, but all can be given up.
func TestBusy(t *testing.T) {
	s := login()
	p := sit(t, s)
	s.Prompt.Busy = true
	p.f.Show(s.Window, s.Prompt)
	p.key(fyne.KeyReturn)
	p.f.prompt.submit.Tapped(nil)
	p.f.prompt.accept()
	if len(p.sent) != 0 {
		t.Errorf("sent %v", p.sent)
	}
	p.f.Key(&fyne.KeyEvent{Name: fyne.KeyEscape})
	if a, _ := p.answer(); !a.Cancel {
		t.Errorf("sent %+v", a)
	}
}

// TestRefused: when the same question comes back, as it does after a wrong passphrase, what is no secret is still there and the keyboard is where the secret goes.
func TestRefused(t *testing.T) {
	s := login()
	p := sit(t, s)
	p.write("rosebud")
	p.key(fyne.KeyReturn)
	s.Prompt.Busy = true
	p.f.Show(s.Window, s.Prompt)
	s.Prompt.Busy, s.Prompt.Error, s.Prompt.Fields[2].Focus = false, "This is not the passphrase.", true
	p.f.Show(s.Window, s.Prompt)
	if got := p.f.prompt.fields.in[1].line.Text; got != "jo" || p.at() != "password" {
		t.Errorf("the name is %q, and the keyboard at %q", got, p.at())
	}
	if leftover := p.f.prompt.fields.in[2].line.Text; leftover != "" {
		t.Errorf("the password is still %q", leftover)
	}
}

// TestConnectByKeyboard: Enter connects, from wherever the keyboard is; what is typed is told with every key.
func TestConnectByKeyboard(t *testing.T) {
	p := sit(t, handmade()["failed"])
	p.key(fyne.KeyReturn)
	p.key(fyne.KeyTab, fyne.KeyTab, fyne.KeySpace)
	if want := []model.Msg{model.Connect{}, model.Connect{}}; !reflect.DeepEqual(p.sent, want) {
		t.Errorf("sent %v", p.sent)
	}

	p = sit(t, handmade()["disconnected"])
	p.key(fyne.KeyTab, fyne.KeyEnd)
	p.write(":4")
	p.key(fyne.KeyReturn)
	want := []model.Msg{model.Choose{Index: -1, Typed: "vpn.example.com:"}, model.Choose{Index: -1, Typed: "vpn.example.com:4"}, model.Connect{}}
	if !reflect.DeepEqual(p.sent, want) {
		t.Errorf("sent %v", p.sent)
	}
}

// TestEchoes: what comes back of what was typed does not overwrite what was typed since.
func TestEchoes(t *testing.T) {
	s := handmade()["disconnected"].Window
	p := sit(t, model.Screen{Window: s})
	p.key(fyne.KeyTab, fyne.KeyEnd)
	p.write(":44")
	s.Typed = "vpn.example.com:4" // late
	p.f.Show(s, nil)
	if got := p.f.window.hosts.line.Text; got != "vpn.example.com:44" {
		t.Errorf("the line has %q", got)
	}
	s.Selected, s.Typed = 1, "" // chosen in the menu of the tray
	p.f.Show(s, nil)
	if got := p.f.window.hosts.line.Text; got != "Lyon office" {
		t.Errorf("the line has %q", got)
	}
	p.sent = nil
	p.write("x")
	if want := []model.Msg{model.Choose{Index: -1, Typed: "Lyon officex"}}; !reflect.DeepEqual(p.sent, want) {
		t.Errorf("sent %v", p.sent)
	}
}

// TestSameNames: two gateways of one name are told apart and chosen by index.
func TestSameNames(t *testing.T) {
	list := []model.Host{{Name: "Office", Address: "a.example.com"}, {Name: "Office", Address: "b.example.com"}, {Name: "Office"}, {Name: "Office"}, {Name: "Home", Address: "c.example.com"}}
	if got, want := names(list), []string{"Office (a.example.com)", "Office (b.example.com)", "Office", "Office 2", "Home"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
	s := handmade()["failed"]
	s.Window.Hosts = list
	p := sit(t, s)
	p.w.Canvas().Focus(p.f.window.hosts.list)
	p.key(fyne.KeyRight)
	if want := []model.Msg{model.Choose{Index: 1}}; !reflect.DeepEqual(p.sent, want) {
		t.Errorf("sent %v", p.sent)
	}
}

// TestMenus: the list opens by keyboard, and a choice in it counts.
func TestMenus(t *testing.T) {
	for _, name := range []string{"failed", "disconnected"} {
		p := sit(t, handmade()[name])
		p.key(fyne.KeyTab, fyne.KeyDown)
		if p.w.Canvas().Overlays().Top() == nil {
			t.Fatalf("%s: no menu opened", name)
		}
		p.key(fyne.KeyDown, fyne.KeyDown, fyne.KeyReturn)
		if want := []model.Msg{model.Choose{Index: 1}}; !reflect.DeepEqual(p.sent, want) {
			t.Errorf("%s: sent %v", name, p.sent)
		}
	}
}

// TestMore: the keyboard reaches the button that opens the details.
func TestMore(t *testing.T) {
	p := sit(t, model.Screen{Window: model.Window{Headline: "Connected", Button: model.Button{Label: "Disconnect", Msg: model.Disconnect{}}, More: model.Button{Label: "Details", Msg: model.ShowDetails{Tab: model.TabDNS}}}})
	for range 5 {
		if p.w.Canvas().Focused() == fyne.Focusable(p.f.window.more) {
			p.key(fyne.KeySpace)
			break
		}
		p.key(fyne.KeyTab)
	}
	if want := []model.Msg{model.ShowDetails{Tab: model.TabDNS}}; !reflect.DeepEqual(p.sent, want) {
		t.Errorf("%v, want %v", p.sent, want)
	}
}

// TestFileByKeyboard: the arrow down in the field of a file looks for one, in one window, which goes with the question.
func TestFileByKeyboard(t *testing.T) {
	s := model.Screen{Prompt: &model.Prompt{
		ID: "certificate", Kind: model.PromptCertificate, Title: "Use a certificate", Fields: []model.Field{{Name: "file", Label: "File", Type: model.FieldFile}, {Name: "passphrase", Label: "Passphrase", Type: model.FieldPassword}},
		Submit: model.Button{Label: "Connect", Primary: true}, Cancel: model.Button{Label: "Cancel"},
	}}
	p := sit(t, s)
	open := func() int { return len(fyne.CurrentApp().Driver().AllWindows()) }
	before := open()
	p.key(fyne.KeyDown, fyne.KeyDown)
	if got := open() - before; got != 1 || p.f.prompt.fields.picker.open.Title() != "File" {
		t.Fatalf("%d windows opened", got)
	}
	p.f.Show(model.Window{}, nil)
	if got := open() - before; got != 0 {
		t.Errorf("%d windows are still open", got)
	}
	p.f.Show(s.Window, s.Prompt)
	p.write("/home/jo/jo.p12")
	p.key(fyne.KeyReturn)
	p.write("rosebud")
	p.key(fyne.KeyReturn)
	if _, fields := p.answer(); fields["file"] != "/home/jo/jo.p12" || fields["passphrase"] != "rosebud" {
		t.Errorf("sent %v", fields)
	}
}
