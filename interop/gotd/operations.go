package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/gotd/td/telegram/auth"
	"github.com/gotd/td/tg"
	"github.com/gotd/td/tgerr"
)

func (d *driver) operations() map[string]func(context.Context, request) (result, error) {
	return map[string]func(context.Context, request) (result, error){
		"open":        d.open,
		"sendCode":    d.sendCode,
		"signIn":      d.signIn,
		"signUp":      d.signUp,
		"password":    d.password,
		"setPassword": d.setPassword,
		"showQR":      d.showQR,
		"finishQR":    d.finishQR,
		"acceptQR":    d.acceptQR,
		"me":          d.me,
		"setUsername": d.setUsername,
		"resolve":     d.resolve,
		"online":      d.online,
		"send":        d.send,
		"edit":        d.edit,
		"delete":      d.delete,
		"forward":     d.forward,
		"read":        d.read,
		"typing":      d.typing,
		"history":     d.history,
		"logOut":      d.logOut,
	}
}

func (d *driver) sendCode(ctx context.Context, r request) (result, error) {
	sent, err := d.client.Auth().SendCode(ctx, r.Phone, auth.SendCodeOptions{})
	if err != nil {
		return nil, err
	}
	code, ok := sent.(*tg.AuthSentCode)
	if !ok {
		return nil, fmt.Errorf("sendCode answered %T", sent)
	}
	d.phone, d.codeHash = r.Phone, code.PhoneCodeHash
	return result{"state": "code"}, nil
}

func (d *driver) signIn(ctx context.Context, r request) (result, error) {
	_, err := d.client.Auth().SignIn(ctx, d.phone, r.Code, d.codeHash)
	var unknown *auth.SignUpRequired
	switch {
	case errors.Is(err, auth.ErrPasswordAuthNeeded):
		return result{"state": "password"}, nil
	case errors.As(err, &unknown):
		return result{"state": "signUp"}, nil
	case err != nil:
		return nil, err
	}
	return d.ready(ctx)
}

func (d *driver) signUp(ctx context.Context, r request) (result, error) {
	_, err := d.client.Auth().SignUp(ctx, auth.SignUp{PhoneNumber: d.phone, PhoneCodeHash: d.codeHash, FirstName: r.Name})
	if err != nil {
		return nil, err
	}
	return d.ready(ctx)
}

func (d *driver) password(ctx context.Context, r request) (result, error) {
	if _, err := d.client.Auth().Password(ctx, r.Password); err != nil {
		return nil, err
	}
	return d.ready(ctx)
}

func (d *driver) setPassword(ctx context.Context, r request) (result, error) {
	return nil, d.client.Auth().UpdatePassword(ctx, r.Password, auth.UpdatePasswordOptions{})
}

func (d *driver) exportToken(ctx context.Context) (tg.AuthLoginTokenClass, error) {
	return d.api.AuthExportLoginToken(ctx, &tg.AuthExportLoginTokenRequest{APIID: 1, APIHash: "interop"})
}

func (d *driver) showQR(ctx context.Context, _ request) (result, error) {
	answer, err := d.exportToken(ctx)
	if err != nil {
		return nil, err
	}
	token, ok := answer.(*tg.AuthLoginToken)
	if !ok {
		return nil, fmt.Errorf("exportLoginToken answered %T", answer)
	}
	return result{"token": base64.RawURLEncoding.EncodeToString(token.Token)}, nil
}

func (d *driver) finishQR(ctx context.Context, _ request) (result, error) {
	select {
	case <-d.scanned:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	answer, err := d.exportToken(ctx)
	if tgerr.Is(err, "SESSION_PASSWORD_NEEDED") {
		return result{"state": "password"}, nil
	}
	if err != nil {
		return nil, err
	}
	if _, ok := answer.(*tg.AuthLoginTokenSuccess); !ok {
		return nil, fmt.Errorf("exportLoginToken answered %T", answer)
	}
	return d.ready(ctx)
}

func (d *driver) acceptQR(ctx context.Context, r request) (result, error) {
	token, err := base64.RawURLEncoding.DecodeString(r.Token)
	if err != nil {
		return nil, err
	}
	_, err = d.api.AuthAcceptLoginToken(ctx, token)
	return nil, err
}

func (d *driver) me(ctx context.Context, _ request) (result, error) {
	self, err := d.client.Self(ctx)
	if err != nil {
		return nil, err
	}
	return result{"id": self.ID}, nil
}

func (d *driver) setUsername(ctx context.Context, r request) (result, error) {
	_, err := d.api.AccountUpdateUsername(ctx, r.Username)
	return nil, err
}

func (d *driver) resolve(ctx context.Context, r request) (result, error) {
	found, err := d.resolveUsername(ctx, r.Username)
	if err != nil {
		return nil, err
	}
	d.remember(found.Users)
	peer, ok := found.Peer.(*tg.PeerUser)
	if !ok {
		return nil, fmt.Errorf("resolveUsername answered %T", found.Peer)
	}
	return result{"peer": peer.UserID}, nil
}

func (d *driver) online(ctx context.Context, _ request) (result, error) {
	_, err := d.api.AccountUpdateStatus(ctx, false)
	return nil, err
}

func (d *driver) send(ctx context.Context, r request) (result, error) {
	random, err := randomID()
	if err != nil {
		return nil, err
	}
	query := &tg.MessagesSendMessageRequest{Peer: d.peer(r.Peer), Message: r.Text, RandomID: random}
	if r.ReplyTo != 0 {
		reply(query, r)
	}
	answer, err := again(ctx, func() (tg.UpdatesClass, error) { return d.api.MessagesSendMessage(ctx, query) })
	if err != nil {
		return nil, err
	}
	return sentID(answer, random)
}

func (d *driver) edit(ctx context.Context, r request) (result, error) {
	_, err := d.api.MessagesEditMessage(ctx, &tg.MessagesEditMessageRequest{Peer: d.peer(r.Peer), ID: r.Message, Message: r.Text})
	return nil, err
}

func (d *driver) delete(ctx context.Context, r request) (result, error) {
	_, err := d.api.MessagesDeleteMessages(ctx, &tg.MessagesDeleteMessagesRequest{ID: []int{r.Message}, Revoke: true})
	return nil, err
}

func (d *driver) forward(ctx context.Context, r request) (result, error) {
	random, err := randomID()
	if err != nil {
		return nil, err
	}
	answer, err := d.api.MessagesForwardMessages(ctx, &tg.MessagesForwardMessagesRequest{
		FromPeer: d.peer(r.From), ID: []int{r.Message}, RandomID: []int64{random}, ToPeer: d.peer(r.Peer),
	})
	if err != nil {
		return nil, err
	}
	return sentID(answer, random)
}

func (d *driver) read(ctx context.Context, r request) (result, error) {
	_, err := d.api.MessagesReadHistory(ctx, &tg.MessagesReadHistoryRequest{Peer: d.peer(r.Peer), MaxID: r.Message})
	return nil, err
}

func (d *driver) typing(ctx context.Context, r request) (result, error) {
	_, err := d.api.MessagesSetTyping(ctx, &tg.MessagesSetTypingRequest{Peer: d.peer(r.Peer), Action: &tg.SendMessageTypingAction{}})
	return nil, err
}

func (d *driver) history(ctx context.Context, r request) (result, error) {
	answer, err := d.api.MessagesGetHistory(ctx, &tg.MessagesGetHistoryRequest{Peer: d.peer(r.Peer), Limit: r.Limit})
	if err != nil {
		return nil, err
	}
	found, ok := answer.AsModified()
	if !ok {
		return nil, fmt.Errorf("getHistory answered %T", answer)
	}
	messages := []result{}
	for _, m := range found.GetMessages() {
		if m, ok := m.(*tg.Message); ok {
			messages = append(messages, describe(m))
		}
	}
	return result{"messages": messages}, nil
}

func (d *driver) logOut(ctx context.Context, _ request) (result, error) {
	_, err := d.api.AuthLogOut(ctx)
	d.close()
	return nil, err
}

// again repeats a query for which the connection broke, which this library leaves to the application.
// The random_id is the same, so that the server does not take it twice.
func again(ctx context.Context, query func() (tg.UpdatesClass, error)) (tg.UpdatesClass, error) {
	for {
		answer, err := query()
		if _, refused := tgerr.As(err); err == nil || refused {
			return answer, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, err
		}
	}
}

func randomID() (int64, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, err
	}
	return int64(binary.LittleEndian.Uint64(b[:])), nil
}

// sentID finds the id that the server gave to a message.
func sentID(answer tg.UpdatesClass, random int64) (result, error) {
	if short, ok := answer.(*tg.UpdateShortSentMessage); ok {
		return result{"id": short.ID}, nil
	}
	if u, ok := answer.(*tg.Updates); ok {
		for _, u := range u.Updates {
			if u, ok := u.(*tg.UpdateMessageID); ok && u.RandomID == random {
				return result{"id": u.ID}, nil
			}
		}
	}
	return nil, fmt.Errorf("no message id in %T", answer)
}
