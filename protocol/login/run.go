package login

import (
	"context"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
	"github.com/holdfast-vpn/holdfast/protocol/strap"
)

// Run logs in at a target: it dials, converses and asks the user through p, until there is a token. Errors are *fault.Error; those of the Prompter are
// passed on, but a question that repeats a refused one and has nobody to answer it is AUTH-001.
func Run(ctx context.Context, d protocol.Dialer, t protocol.Target, p protocol.Prompter, o Options) (*Result, error) {
	keys, err := strap.New()
	if err != nil {
		return nil, fault.New(fault.Internal, err)
	}
	c := NewConversation(t)
	c.Bind(keys)
	l := &link{dialer: d, opts: o, keys: keys, prompter: p}
	l.at = origin{c.Target().Host, c.Target().Port, ""}
	l.fixed = t.Fixed
	out, err := converse(ctx, c, l, p)
	if k, ok := p.(protocol.ProfileKeeper); ok && err == nil && out.Profile != nil {
		if err = l.deliver(ctx, c.Target(), t, out.Profile, k); err != nil {
			l.logout(ctx, c, out.Token)
		}
	}
	if err != nil {
		l.close()
		return nil, err
	}
	r := &Result{
		Token: out.Token, Target: c.Target(), Gateway: l.gateway, LeafKey: l.leaf,
		User: out.User, Group: out.Group, Banner: out.Banner, Accepted: out.Accepted, Config: out.Config, Key: keys.Key(),
	}
	r.Target.Fixed = l.fixed
	r.Conn = l.take()
	return r, nil
}

// logoutTime is how long a gateway may take over a session that begins with its end.
const logoutTime = time.Second

// logout gives a session back that nobody will use. There is nothing to do about a gateway that does not take it: it forgets it by itself.
func (l *link) logout(ctx context.Context, c *Conversation, token redact.Secret) {
	act, err := c.post(&authxml.Request{Type: authxml.TypeLogout, SessionToken: token}, nil)
	if err != nil || c.older {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logoutTime)
	defer cancel()
	_, _ = l.do(ctx, c.Target(), act.Send)
	act.Send.Body.Wipe()
}

// converse carries out the conversation's actions.
func converse(ctx context.Context, c *Conversation, l *link, p protocol.Prompter) (*Outcome, error) {
	act, err := c.Start()
	for err == nil {
		switch {
		case act.Done != nil:
			return act.Done, nil
		case act.Send != nil:
			var r Reply
			r, err = l.do(ctx, c.Target(), act.Send)
			act.Send.Body.Wipe()
			if err == nil {
				act, err = c.Reply(r)
				r.wipe()
			}
		default:
			var a protocol.Answer
			if a, err = p.Ask(ctx, *act.Ask); err == nil {
				act, err = c.Answer(a)
			} else if act.Ask.Error != "" && fault.As(err).Code == fault.AuthInput {
				err = fault.Newf(fault.AuthRefused, err, "%s", act.Ask.Error)
			}
		}
	}
	return nil, fault.As(err)
}
