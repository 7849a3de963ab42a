//go:build layer152

package main

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/gotd/td/telegram"
	"github.com/gotd/td/telegram/updates"
	"github.com/gotd/td/telegram/updates/hook"
	"github.com/gotd/td/tg"
)

// configure leaves the update state in memory and PFS out: this library has neither temporary keys
// nor a sign of reconnection. Its own pauses between attempts grow without end.
func (d *driver) configure(options *telegram.Options, _ *updates.Config, _ bool) {
	options.ReconnectionBackoff = func() backoff.BackOff { return backoff.NewConstantBackOff(time.Second / 2) }
	options.Middlewares = []telegram.Middleware{
		hook.UpdateHook(func(ctx context.Context, u tg.UpdatesClass) error { return d.manager.Handle(ctx, u) }),
	}
}

func (d *driver) startUpdates(ctx context.Context, self int64) error {
	return d.manager.Auth(ctx, d.api, self, false, false)
}

func (d *driver) resolveUsername(ctx context.Context, name string) (*tg.ContactsResolvedPeer, error) {
	return d.api.ContactsResolveUsername(ctx, name)
}

// reply leaves the quote out, which layer 152 does not have.
func reply(query *tg.MessagesSendMessageRequest, r request) { query.SetReplyToMsgID(r.ReplyTo) }

func replied(m *tg.Message) (id int, quote string) { return m.ReplyTo.ReplyToMsgID, "" }
