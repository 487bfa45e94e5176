package authxml

// BrowserExternal is the mode of a login in the person's own browser. Any other, or none, wants a browser inside the client, whose cookies it can read.
const BrowserExternal = "external"

// SSO is what an auth-request says of a login in a browser. Its texts are as they came, and not for display.
type SSO struct {
	Login string // the address of the page to sign in at
	Mode  string // BrowserExternal, or another
	// Of the browser inside a client: the page at which it is over, and the cookies that hold the token and what went wrong.
	Final, TokenCookie, ErrorCookie string
	// Where a session at the identity provider is ended, and where that is over.
	Logout, LogoutFinal string
}

// elements pairs the members with their elements, in the order in which gateways send them.
func (s *SSO) elements() []struct {
	name string
	text *string
} {
	return []struct {
		name string
		text *string
	}{
		{"sso-v2-login", &s.Login}, {"sso-v2-login-final", &s.Final}, {"sso-v2-logout", &s.Logout}, {"sso-v2-logout-final", &s.LogoutFinal},
		{"sso-v2-token-cookie-name", &s.TokenCookie}, {"sso-v2-error-cookie-name", &s.ErrorCookie}, {"sso-v2-browser-mode", &s.Mode},
	}
}

// parseSSO reads the elements in an auth element, nil when the one that counts is not there.
func parseSSO(auth *node) *SSO {
	if auth.child("sso-v2-login") == nil {
		return nil
	}
	s := &SSO{}
	for _, e := range s.elements() {
		*e.text = auth.child(e.name).trimmed()
	}
	return s
}

// append writes the elements; nil is none.
func (s *SSO) append(w *writer) {
	if s == nil {
		return
	}
	if s.Login == "" {
		w.empty("sso-v2-login")
	}
	for _, e := range s.elements() {
		w.element(e.name, *e.text)
	}
}
