package checkup

import "github.com/holdfast-vpn/holdfast/dart/fault"

// The layers, in the order of a report.
const (
	Link        = "link"
	Portal      = "captive-portal"
	DNS         = "dns"
	TCP         = "tcp"
	TLS         = "tls"
	Certificate = "certificate"
	Gateway     = "gateway"
	UDP443      = "udp-443"
	MTU         = "mtu"
	Clock       = "clock"
)

// Layer is one row of a report. OK and Skipped are never both true: skipped is a layer that was not looked at, or that could not be judged.
type Layer struct {
	Layer   string     `json:"layer"`
	OK      bool       `json:"ok"`
	Skipped bool       `json:"skipped"`
	Detail  string     `json:"detail"` // one line, cleaned
	TookMS  int64      `json:"took_ms"`
	Code    fault.Code `json:"code,omitempty"`
}

// Verdict names the layer to look at. Layer and Code are empty when all is well.
type Verdict struct {
	Layer   string     `json:"layer"`
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
	Hint    string     `json:"hint"`
}

// Report is what `holdfast doctor` says. Session: a tunnel of ours was up, so that the way we looked along may not be the agent's.
type Report struct {
	Target  string  `json:"target"`
	Session bool    `json:"session"`
	Layers  []Layer `json:"layers"`
	Verdict Verdict `json:"verdict"`
}

// Well reports whether nothing was found that keeps a login from beginning.
func (r Report) Well() bool { return r.Verdict.Layer == "" }

// Exit is the exit code of the command line: 0, or that of the verdict's code.
func (r Report) Exit() int {
	if r.Well() {
		return 0
	}
	return fault.Lookup(r.Verdict.Code).Exit
}
