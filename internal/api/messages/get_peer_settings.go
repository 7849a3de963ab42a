package messages

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/encode"
	"github.com/chappe-im/chappe/internal/rpc"
)

// getPeerSettings says what to offer at the top of a chat: to add or block somebody one does not
// know.
//
// https://core.telegram.org/method/messages.getPeerSettings
func (d Deps) getPeerSettings(ctx context.Context, c *rpc.Caller, r *tg.MessagesGetPeerSettingsRequest) (bin.Encoder, error) {
	chat, err := d.Read.Peer(c.Account, r.Peer)
	if err != nil {
		return nil, err
	}
	answer := &tg.MessagesPeerSettings{}
	id, ok := chat.User()
	if !ok {
		return answer, nil
	}
	v, ok, err := d.Users.View(ctx, c.Account, id)
	if err != nil || !ok {
		return answer, err
	}
	answer.Settings = encode.Settings(v)
	answer.Users = []tg.UserClass{encode.User(v)}
	return answer, nil
}

// getWebPagePreview answers that a text has no preview: none are made yet.
//
// https://core.telegram.org/method/messages.getWebPagePreview
func (d Deps) getWebPagePreview(context.Context, *rpc.Caller, *tg.MessagesGetWebPagePreviewRequest) (bin.Encoder, error) {
	return &tg.MessagesWebPagePreview{Media: &tg.MessageMediaEmpty{}}, nil
}
