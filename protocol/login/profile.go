package login

import (
	"context"
	"crypto/sha1" //nolint:gosec // the gateway names its profile by it; what arrives is trusted for its connection's certificate
	"encoding/hex"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
)

// webvpnc is the cookie in which gateways name the profile to clients that know no manifest.
const webvpnc = "webvpnc"

// Delivery is a profile that a gateway wants its client to have.
type Delivery struct {
	fetch Post
	sum   [sha1.Size]byte
	named bool // sum is known
}

// delivery finds the profile that came with the login: in the document's manifest, else in the cookie. Its address is a place on this gateway and nothing else.
func (c *Conversation) delivery(token redact.Secret) (*Delivery, error) {
	file := c.resp.Config.Profile
	if file == nil {
		file = profileOfCookie(c.jar.get(webvpnc))
	}
	if file == nil {
		return nil, nil
	}
	root := origin{c.at.host, c.at.port, "/"}
	to, err := root.resolve(file.URI)
	if err != nil || !to.same(c.at) {
		return nil, fault.Newf(fault.ProfFetch, nil, "its address is not one of this gateway")
	}
	d := &Delivery{fetch: Post{Kind: Get, Path: to.path, Cookies: slices.Clone(c.jar)}}
	d.fetch.Cookies = slices.DeleteFunc(d.fetch.Cookies, func(k Cookie) bool { return k.Name == tokenCookie })
	d.fetch.Cookies = append(d.fetch.Cookies, Cookie{tokenCookie, token})
	if file.HashType == "sha1" {
		n, err := hex.Decode(d.sum[:], []byte(file.Hash[:min(len(file.Hash), 2*len(d.sum))]))
		if d.named = err == nil && n == len(d.sum) && len(file.Hash) == 2*n; !d.named {
			return nil, fault.Newf(fault.ProfFetch, nil, "its hash is malformed")
		}
	}
	return d, nil
}

// profileOfCookie reads fields joined by '&', each name:value: fu is the profile's path and fh its SHA-1.
func profileOfCookie(cookie redact.Secret) *authxml.ProfileFile {
	p := &authxml.ProfileFile{}
	for field := range strings.SplitSeq(string(cookie.Reveal()), "&") {
		name, value, _ := strings.Cut(field, ":")
		switch name {
		case "fu":
			path, err := url.PathUnescape(value)
			if err != nil {
				return nil
			}
			p.URI = path
		case "fh":
			p.HashType, p.Hash = "sha1", strings.ToLower(value)
		}
	}
	if p.URI == "" {
		return nil
	}
	return p
}

// deliver brings the profile of a login to its keeper, unless he has it: from where the login ended, for the gateway that was asked for, so that one of a cluster whose
// members send us to each other is one gateway. A login whose profile cannot be had is not carried on: PROF-003, PROF-004.
func (l *link) deliver(ctx context.Context, from, t protocol.Target, d *Delivery, k protocol.ProfileKeeper) error {
	if !k.TakesProfile(from) {
		return nil
	}
	if sum, ok := k.KeptProfile(t); ok && d.named && sum == d.sum {
		return nil
	}
	r, err := l.do(ctx, from, &d.fetch)
	switch {
	case ctx.Err() != nil && err != nil:
		return err
	case err != nil:
		return fault.Newf(fault.ProfFetch, err, "%s", fault.As(err).Sentence())
	case r.Status != 200:
		return fault.Newf(fault.ProfFetch, nil, "HTTP %d", r.Status)
	case len(r.Body) == 0:
		return fault.Newf(fault.ProfFetch, nil, "it is empty")
	case d.named && sha1.Sum(r.Body) != d.sum: //nolint:gosec // as above
		return fault.New(fault.ProfHash, nil)
	}
	if err := k.KeepProfile(t, r.Body); err != nil {
		var f *fault.Error
		if errors.As(err, &f) && f.Code != fault.ProfFetch {
			return fault.Newf(fault.ProfFetch, err, "%s", f.Sentence())
		}
		return err
	}
	return nil
}
