package ipc

import (
	"net/http"
	"strings"

	"github.com/holdfast-vpn/holdfast/platform/localsock"
)

// rule says who may call a verb, of those who may connect at all.
type rule uint8

const (
	// anyone who may connect.
	anyone rule = iota + 1
	// owner: the session's owner and root; everyone while there is no session, who then hears that there is none.
	owner
	// superuser: root, or Windows' administrators: what he does counts for all users.
	superuser
)

// String is the rule's name in docs/security.md.
func (r rule) String() string {
	switch r {
	case anyone:
		return "anyone who may connect"
	case owner:
		return "owner or root; anyone while there is no session"
	case superuser:
		return "root"
	}
	return "nobody"
}

// allows is the whole decision. What it does not know it refuses.
func (r rule) allows(p localsock.Peer, sessionOwner string, down bool) bool {
	switch r {
	case anyone:
		return true
	case owner:
		return sees(p, sessionOwner) || down
	case superuser:
		return p.Root
	}
	return false
}

// verb is one line of the table. A path that ends in "/{id}" takes a prompt's id there.
type verb struct {
	method string
	path   string
	may    rule
	run    func(*Server, http.ResponseWriter, *http.Request, call) error
}

// call is what a verb knows of its caller.
type call struct {
	peer localsock.Peer
	down bool   // there was no session when the request came
	id   string // from the path
}

// verbs is the table: what is not here does not exist.
var verbs = []verb{
	{http.MethodGet, "/v1/state", anyone, (*Server).state},
	{http.MethodGet, "/v1/events", anyone, (*Server).events},
	{http.MethodGet, "/v1/hosts", anyone, (*Server).hosts},
	{http.MethodGet, "/v1/version", anyone, (*Server).version},
	{http.MethodPost, "/v1/connect", anyone, (*Server).connect},
	{http.MethodPost, "/v1/disconnect", owner, (*Server).disconnect},
	{http.MethodGet, "/v1/timeline", owner, (*Server).timeline},
	{http.MethodGet, "/v1/record", owner, (*Server).recording},
	{http.MethodGet, "/v1/stats", owner, (*Server).stats},
	{http.MethodPost, "/v1/prompts/{id}", owner, (*Server).answer},
	{http.MethodGet, "/v1/preferences", anyone, (*Server).preferences},
	{http.MethodPost, "/v1/preferences", anyone, (*Server).prefer},
	{http.MethodGet, "/v1/trust", anyone, (*Server).trusted},
	{http.MethodPost, "/v1/trust", anyone, (*Server).distrust},
	{http.MethodPost, "/v1/profiles", superuser, (*Server).importProfile},
	{http.MethodPost, "/v1/debug/profile", superuser, (*Server).profiling},
	{http.MethodPost, "/v1/debug/impair", superuser, (*Server).impair},
}

// find returns the verb of a method and path, and the id in it; the one of another method if the path has only that, nil if there is none.
func find(method, path string) (found *verb, id string) {
	for i := range verbs {
		v := &verbs[i]
		if at, ok := v.at(path); ok {
			found, id = v, at
			if v.method == method {
				break
			}
		}
	}
	return found, id
}

// at reports whether the path is the verb's, and the id in it.
func (v *verb) at(path string) (id string, ok bool) {
	prefix, wantsID := strings.CutSuffix(v.path, "{id}")
	if !wantsID {
		return "", path == v.path
	}
	id, ok = strings.CutPrefix(path, prefix)
	return id, ok && promptID(id)
}
