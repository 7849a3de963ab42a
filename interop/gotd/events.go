package main

import (
	"context"

	"github.com/gotd/td/telegram"
	"github.com/gotd/td/telegram/updates"
	"github.com/gotd/td/tg"
)

// follow has the updates of the client told as events.
func (d *driver) follow(options *telegram.Options, pfs bool) {
	seen := tg.NewUpdateDispatcher()
	seen.OnNewMessage(func(_ context.Context, _ tg.Entities, u *tg.UpdateNewMessage) error {
		if m, ok := u.Message.(*tg.Message); ok {
			emit("message", describe(m))
		}
		return nil
	})
	seen.OnEditMessage(func(_ context.Context, _ tg.Entities, u *tg.UpdateEditMessage) error {
		if m, ok := u.Message.(*tg.Message); ok {
			emit("edited", describe(m))
		}
		return nil
	})
	seen.OnDeleteMessages(func(_ context.Context, _ tg.Entities, u *tg.UpdateDeleteMessages) error {
		emit("deleted", result{"ids": u.Messages})
		return nil
	})
	seen.OnReadHistoryOutbox(func(_ context.Context, _ tg.Entities, u *tg.UpdateReadHistoryOutbox) error {
		emit("read", result{"peer": userID(u.Peer), "id": u.MaxID})
		return nil
	})
	seen.OnUserTyping(func(_ context.Context, _ tg.Entities, u *tg.UpdateUserTyping) error {
		if _, ok := u.Action.(*tg.SendMessageTypingAction); ok {
			emit("typing", result{"peer": u.UserID})
		}
		return nil
	})
	seen.OnLoginToken(func(context.Context, tg.Entities, *tg.UpdateLoginToken) error {
		select {
		case d.scanned <- struct{}{}:
		default:
		}
		return nil
	})
	handler := telegram.UpdateHandlerFunc(func(ctx context.Context, u tg.UpdatesClass) error {
		if u, ok := u.(interface{ GetUsers() []tg.UserClass }); ok {
			d.remember(u.GetUsers())
		}
		return seen.Handle(ctx, u)
	})
	config := updates.Config{Handler: handler}
	d.configure(options, &config, pfs)
	d.manager = updates.New(config)
	options.UpdateHandler = d.manager
}

func (d *driver) remember(users []tg.UserClass) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range users {
		if u, ok := u.(*tg.User); ok && !u.Min {
			d.hashes[u.ID] = u.AccessHash
		}
	}
}

func (d *driver) peer(id int64) tg.InputPeerClass {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &tg.InputPeerUser{UserID: id, AccessHash: d.hashes[id]}
}

func userID(p tg.PeerClass) int64 {
	if p, ok := p.(*tg.PeerUser); ok {
		return p.UserID
	}
	return 0
}

func describe(m *tg.Message) result {
	replyTo, quote := replied(m)
	_, forwarded := m.GetFwdFrom()
	return result{
		"peer": userID(m.PeerID), "id": m.ID, "out": m.Out, "text": m.Message,
		"replyTo": replyTo, "quote": quote, "forwarded": forwarded,
	}
}
