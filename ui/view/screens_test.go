package view

import (
	"math"
	"strings"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// handmade are screens with the longest and oddest that can come, beside those of the model.
func handmade() map[string]model.Screen {
	down, up := make([]float64, model.GraphSamples), make([]float64, model.GraphSamples)
	for i := range down {
		x := float64(i)
		down[i] = 1e6 * (1 + math.Sin(x/5)) * (0.6 + 0.4*math.Sin(x*1.7))
		up[i] = 4e5 * (1 + math.Cos(x/7)) * (0.5 + 0.5*math.Cos(x*2.3))
	}
	hosts := []model.Host{{Name: "Berlin office", Target: "Berlin office"}, {Name: "Lyon office", Target: "Lyon office"}}
	long := strings.Repeat("Access is for those who have been told so. What is done here is recorded. ", 30)
	return map[string]model.Screen{
		"connected": {Window: model.Window{
			Title: "Holdfast", Shape: model.ShapeConnected, Headline: "Connected", Line: "Traffic for the Berlin office is protected.", Hosts: hosts, Fixed: true,
			Button: model.Button{Label: "Disconnect", Msg: model.Disconnect{}},
			Facts:  []model.Fact{{Label: "Transport", Value: "TLS: this network blocks UDP since 10:42, next try in 4 min", Tone: model.ToneWarn}, {Label: "Connected for", Value: "1 h 12 min"}, {Label: "Time left", Value: "6 h 48 min"}, {Label: "Address", Value: "10.10.0.17"}},
			Graph:  &model.Graph{Down: down, Up: up, Top: 2e6, TopLabel: "2 MB/s", DownLabel: "1.4 MB/s", UpLabel: "320 kB/s"},
		}},
		"disconnected": {Window: model.Window{
			Title: "Holdfast", Shape: model.ShapeDisconnected, Headline: "Not connected", Line: "Choose a gateway and connect.", Hosts: hosts, Manual: true, Selected: -1, Typed: "vpn.example.com",
			Button: model.Button{Label: "Connect", Msg: model.Connect{}, Primary: true},
			Notes:  []model.Note{{Text: "This desktop shows no tray icons. Holdfast stays reachable by its window.", Tone: model.ToneFaint}, {Text: "A sign-in page of this network is in the way.", Tone: model.ToneWarn, Action: &model.Button{Label: "Open the page", Msg: model.OpenPage{}}}},
		}},
		"connecting": {Window: model.Window{
			Title: "Holdfast", Shape: model.ShapeConnecting, Headline: "Connecting", Line: "Berlin office", Hosts: hosts, Fixed: true, Progress: 0.5,
			Button: model.Button{Label: "Cancel", Msg: model.Disconnect{}},
			Steps:  []model.Step{{Label: "Finding the gateway", State: model.StepDone}, {Label: "Checking its certificate", State: model.StepDone}, {Label: "Signing in", State: model.StepNow}, {Label: "Setting up the network", State: model.StepAhead}},
		}},
		"failed": {Window: model.Window{
			Title: "Holdfast", Shape: model.ShapeAttention, Headline: "Could not connect", Line: "The VPN gateway does not answer.", Hint: "Check that this machine is online. If it is, the gateway may be down: ask your help desk.", Code: "NET-002", Tone: model.ToneBad, Hosts: hosts,
			Button: model.Button{Label: "Connect", Msg: model.Connect{}, Primary: true},
		}},
		"form": {Prompt: &model.Prompt{
			ID: "1", Title: "Sign in to Berlin office", Message: "Please enter your username and password.", Error: "Login failed. Check what you typed.",
			Fields: []model.Field{{Name: "group_list", Label: "Group", Type: model.FieldSelect, Options: []model.Option{{Value: "s", Label: "Staff"}, {Value: "g", Label: "Guests"}}}, {Name: "username", Label: "Username", Value: "jo"}, {Name: "password", Label: "Password", Type: model.FieldPassword}},
			Submit: model.Button{Label: "Sign in", Primary: true}, Cancel: model.Button{Label: "Cancel"},
		}},
		"banner":  {Prompt: &model.Prompt{ID: "2", Kind: model.PromptBanner, Title: "Message from Berlin office", Message: long, Submit: model.Button{Label: "Accept", Primary: true}, Cancel: model.Button{Label: "Decline"}}},
		"trust":   {Prompt: &model.Prompt{ID: "3", Kind: model.PromptTrust, Title: "Berlin office cannot be verified", Message: "Whoever answers may not be your gateway. Compare the fingerprint with your help desk before you trust it.", Facts: []model.Fact{{Label: "Wrong", Value: "signed by an authority that this machine does not know", Tone: model.ToneBad}, {Label: "Issued to", Value: "vpn.example.com"}, {Label: "Valid until", Value: "21 Nov 2027"}, {Label: "Fingerprint", Value: "3F2A 91C4 07DE 5B18 A6E0 44F1 9C3D 27B5 8E61 D0FA 13C7 6B92 F548 0EAD 72C9 B136", Digits: true}}, Submit: model.Button{Label: "Trust"}, Cancel: model.Button{Label: "Do not connect", Primary: true}}},
		"browser": {Prompt: &model.Prompt{ID: "4", Kind: model.PromptBrowser, Title: "Sign in with your browser", Message: "A page has opened in your browser. When you have signed in there, this goes on by itself.", URL: "https://login.example.com/saml/sso?request=abcdefghijklmnopqrstuvwxyz0123456789", Left: "4 min 30 s left", Submit: model.Button{Label: "Open the page again", Primary: true, Msg: model.OpenPage{}}, Cancel: model.Button{Label: "Cancel"}}},
		"wait":    {Prompt: &model.Prompt{ID: "5", Kind: model.PromptWait, Title: "Approve on your phone", Message: "A request was sent to your phone.", Left: "52 s left", Cancel: model.Button{Label: "Cancel"}}},
	}
}
