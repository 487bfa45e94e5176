package login

import (
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/redact"
)

// tokenCookie is the session: AnyConnect's name for it.
const tokenCookie = "webvpn"

// Bounds of what one gateway may make us carry.
const (
	maxCookies    = 64
	maxCookieSize = 4096
)

// Cookie is one cookie. Every value may be a secret.
type Cookie struct {
	Name  string
	Value redact.Secret
}

// parseSetCookie reads the name and value of a Set-Cookie header; attributes do not matter on a connection to one host. A value that could not be sent
// back is refused as a whole.
func parseSetCookie(header string) (Cookie, bool) {
	pair, _, _ := strings.Cut(header, ";")
	name, value, ok := strings.Cut(pair, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !ok || name == "" || len(pair) > maxCookieSize || !printable(name) || !printable(value) {
		return Cookie{}, false
	}
	return Cookie{name, redact.NewString(value)}, true
}

// jar holds the cookies of a login, in the order they came.
type jar []Cookie

// set keeps a cookie; an empty value removes it.
func (j *jar) set(c Cookie) {
	for i := range *j {
		if (*j)[i].Name == c.Name {
			*j = append((*j)[:i:i], (*j)[i+1:]...)
			break
		}
	}
	if !c.Value.Empty() && len(*j) < maxCookies {
		*j = append(*j, c)
	}
}

// get returns a cookie's value, empty when there is none.
func (j jar) get(name string) redact.Secret {
	for _, c := range j {
		if c.Name == name {
			return c.Value
		}
	}
	return redact.Secret{}
}
