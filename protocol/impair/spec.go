package impair

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Kind is what is impaired.
type Kind uint8

// The kinds. There is one fault of a kind at a time: a new one takes the place of the old one.
const (
	Off Kind = iota
	DTLSDrop
	TLSStall
	TLSClose
	LinkDown
	GatewayRefuse
	MTU
	Loss
	Latency
	Sleep
	kinds
)

// Bounds of a Spec.
const (
	maxSpec    = 64 // bytes
	minFor     = 100 * time.Millisecond
	maxFor     = 10 * time.Minute
	minSleep   = 3 * time.Second // a shorter one is not noticed
	minMTU     = 576             // RFC 791
	maxMTU     = 1500
	minLatency = time.Millisecond
	maxLatency = 5 * time.Second
)

// Spec is one fault.
type Spec struct {
	Kind    Kind
	Size    int           // of MTU: bytes of the outer IP packet, minMTU to maxMTU
	Percent int           // of Loss: 1 to 100
	Delay   time.Duration // of Latency, and how long a Sleep was
	For     time.Duration // 0 for what is over at once
}

// words are the kinds whose value is a word.
var words = map[string]Kind{"dtls=drop": DTLSDrop, "tls=stall": TLSStall, "tls=close": TLSClose, "link=down": LinkDown, "gateway=refuse": GatewayRefuse}

// Usage lists what Parse takes, for people.
const Usage = "dtls=drop,TIME tls=stall,TIME tls=close link=down,TIME gateway=refuse,TIME mtu=BYTES,TIME loss=PERCENT%,TIME latency=TIME,TIME sleep=TIME off"

// Parse reads one SPEC (doc.go). The error is USE-001.
func Parse(s string) (Spec, error) {
	spec, why := parse(s)
	if why != "" {
		return Spec{}, fault.Newf(fault.UseBad, nil, "%s", why).Hint("an impairment is one of: " + Usage)
	}
	return spec, nil
}

// parse is Parse with what is wrong in words.
func parse(s string) (spec Spec, why string) {
	if len(s) > maxSpec {
		return spec, "the impairment is too long"
	}
	if s == "off" {
		return spec, ""
	}
	what, lasts, timed := strings.Cut(s, ",")
	if spec.Kind = words[what]; spec.Kind == Off {
		if spec, why = parseValue(what); why != "" {
			return spec, why
		}
	}
	if spec.Kind == TLSClose || spec.Kind == Sleep {
		if timed {
			return spec, what + " takes no time after it"
		}
		return spec, ""
	}
	var ok bool
	if spec.For, ok = duration(lasts, minFor, maxFor); !ok {
		return spec, fmt.Sprintf("how long it lasts is missing, or not between %v and %v: %s,10s", minFor, maxFor, what)
	}
	return spec, ""
}

// parseValue reads NAME=VALUE where the value is a number or a time.
func parseValue(what string) (spec Spec, why string) {
	name, value, _ := strings.Cut(what, "=")
	var ok bool
	switch name {
	case "mtu":
		spec.Kind = MTU
		if spec.Size, ok = number(value, minMTU, maxMTU); !ok {
			return spec, fmt.Sprintf("mtu is from %d to %d", minMTU, maxMTU)
		}
	case "loss":
		spec.Kind = Loss
		percent, is := strings.CutSuffix(value, "%")
		if spec.Percent, ok = number(percent, 1, 100); !ok || !is {
			return spec, "loss is from 1% to 100%"
		}
	case "latency":
		spec.Kind = Latency
		if spec.Delay, ok = duration(value, minLatency, maxLatency); !ok {
			return spec, fmt.Sprintf("latency is from %v to %v", minLatency, maxLatency)
		}
	case "sleep":
		spec.Kind = Sleep
		if spec.Delay, ok = duration(value, minSleep, maxFor); !ok {
			return spec, fmt.Sprintf("sleep is from %v to %v", minSleep, maxFor)
		}
	default:
		return spec, fmt.Sprintf("there is no impairment %q", what)
	}
	return spec, ""
}

func number(s string, least, most int) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && least <= n && n <= most && strconv.Itoa(n) == s
}

func duration(s string, least, most time.Duration) (time.Duration, bool) {
	d, err := time.ParseDuration(s)
	return d, err == nil && least <= d && d <= most
}

// String is the Spec as Parse reads it.
func (s Spec) String() string {
	var what string
	switch s.Kind {
	case Off:
		return "off"
	case MTU:
		what = "mtu=" + strconv.Itoa(s.Size)
	case Loss:
		what = "loss=" + strconv.Itoa(s.Percent) + "%"
	case Latency:
		what = "latency=" + s.Delay.String()
	case Sleep:
		what = "sleep=" + s.Delay.String()
	default:
		for w, k := range words {
			if k == s.Kind {
				what = w
			}
		}
	}
	if s.For > 0 {
		what += "," + s.For.String()
	}
	return what
}
