//go:build !layer152

package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/gotd/td/telegram"
	"github.com/gotd/td/telegram/updates"
	"github.com/gotd/td/telegram/updates/hook"
	"github.com/gotd/td/tg"
)

// configure keeps the update state over restarts, and asks for what was missed after each
// reconnection, which this library leaves to the application.
func (d *driver) configure(options *telegram.Options, config *updates.Config, pfs bool) {
	config.Storage = stateStorage{d}
	options.EnablePFS = pfs
	options.OnDead = func(err error) { fmt.Fprintln(os.Stderr, "connection died:", err) }
	options.OnConnectionState = func(s telegram.ConnectionState) {
		if s == telegram.ConnectionStateReady && d.following.Load() {
			go d.catchUp()
		}
	}
	options.Middlewares = []telegram.Middleware{
		hook.UpdateHook(func(ctx context.Context, u tg.UpdatesClass) error { return d.manager.Handle(ctx, u) }),
		hook.AffectedHook(affected{d}),
	}
}

type affected struct{ *driver }

// HandleAffected has the updates manager count what a query of our own changed.
func (a affected) HandleAffected(ctx context.Context, channelID int64, pts, ptsCount int) error {
	return a.manager.HandleAffected(ctx, channelID, pts, ptsCount)
}

func (d *driver) catchUp() {
	if err := d.manager.Handle(context.Background(), &tg.UpdatesTooLong{}); err != nil {
		fmt.Fprintln(os.Stderr, "catch up:", err)
	}
}

func (d *driver) startUpdates(ctx context.Context, self int64) error {
	started := make(chan struct{})
	failed := make(chan error, 1)
	go func() {
		failed <- d.manager.Run(ctx, d.api, self, updates.AuthOptions{OnStart: func(context.Context) { close(started) }})
	}()
	select {
	case <-started:
		d.following.Store(true)
		return nil
	case err := <-failed:
		return err
	}
}

func (d *driver) resolveUsername(ctx context.Context, name string) (*tg.ContactsResolvedPeer, error) {
	return d.api.ContactsResolveUsername(ctx, &tg.ContactsResolveUsernameRequest{Username: name})
}

func reply(query *tg.MessagesSendMessageRequest, r request) {
	to := &tg.InputReplyToMessage{ReplyToMsgID: r.ReplyTo}
	if r.Quote != "" {
		to.SetQuoteText(r.Quote)
		to.SetQuoteOffset(r.Position)
	}
	query.SetReplyTo(to)
}

func replied(m *tg.Message) (id int, quote string) {
	if header, ok := m.ReplyTo.(*tg.MessageReplyHeader); ok {
		return header.ReplyToMsgID, header.QuoteText
	}
	return 0, ""
}

// stateStorage keeps the state of the updates manager in the driver, which writes it when it closes.
type stateStorage struct{ *driver }

var errNoState = errors.New("no state to change")

func (s stateStorage) GetState(context.Context, int64) (updates.State, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return updates.State{}, false, nil
	}
	return *s.state, true, nil
}

func (s stateStorage) SetState(_ context.Context, _ int64, state updates.State) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = &state
	return nil
}

func (s stateStorage) change(f func(*updates.State)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return errNoState
	}
	f(s.state)
	return nil
}

func (s stateStorage) SetPts(_ context.Context, _ int64, pts int) error {
	return s.change(func(u *updates.State) { u.Pts = pts })
}

func (s stateStorage) SetQts(_ context.Context, _ int64, qts int) error {
	return s.change(func(u *updates.State) { u.Qts = qts })
}

func (s stateStorage) SetDate(_ context.Context, _ int64, date int) error {
	return s.change(func(u *updates.State) { u.Date = date })
}

func (s stateStorage) SetSeq(_ context.Context, _ int64, seq int) error {
	return s.change(func(u *updates.State) { u.Seq = seq })
}

func (s stateStorage) SetDateSeq(_ context.Context, _ int64, date, seq int) error {
	return s.change(func(u *updates.State) { u.Date, u.Seq = date, seq })
}

func (s stateStorage) GetChannelPts(context.Context, int64, int64) (int, bool, error) {
	return 0, false, nil
}

func (s stateStorage) SetChannelPts(context.Context, int64, int64, int) error { return nil }

func (s stateStorage) ForEachChannels(context.Context, int64, func(context.Context, int64, int) error) error {
	return nil
}
