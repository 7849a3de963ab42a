package secret

import (
	"errors"
	"fmt"
	"math"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg/e2e"
)

// Layer is the highest layer that this package speaks.
//
// See https://core.telegram.org/api/end-to-end#layers.
const Layer = 144

const (
	minLayer      = 73      // the lowest that is sent: below it there is no MTProto 2.0
	entitiesLayer = 101     // underline, strike and quote
	bigFileLayer  = 143     // sizes of 64 bits
	emojiLayer    = 144     // spoilers and custom emoji
	maxPayload    = 1 << 20 // bytes; a thumbnail is the largest part of a message
	maxRaw        = math.MaxInt32/2 - 1
)

var (
	errTrailing = errors.New("bytes after the message")
	errTooLarge = errors.New("message is too large")
	errFileSize = errors.New("peer's layer has no files of this size")
)

// layer is what goes out: the lower of the two, and never below 73.
func (s *state) layer() int { return min(max(s.Layer, minLayer), Layer) }

// raw returns the raw number of a seq_no on the wire.
func raw(seqNo int) int32 { return int32(seqNo / 2) }

// decode reads a whole payload.
func decode(payload []byte) (*e2e.DecryptedMessageLayer, error) {
	b := bin.Buffer{Buf: payload}
	var m e2e.DecryptedMessageLayer
	if err := m.Decode(&b); err != nil {
		return nil, fmt.Errorf("decode message: %w", err)
	}
	if b.Len() != 0 {
		return nil, errTrailing
	}
	return &m, nil
}

func encode(m *e2e.DecryptedMessageLayer) ([]byte, error) {
	var b bin.Buffer
	if err := m.Encode(&b); err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	if b.Len() > maxPayload {
		return nil, errTooLarge
	}
	return b.Buf, nil
}

// upgrade returns a message of any layer in the newest form, or its action.
func upgrade(m e2e.DecryptedMessageClass) (*e2e.DecryptedMessage, e2e.DecryptedMessageActionClass) {
	var msg *e2e.DecryptedMessage
	switch m := m.(type) {
	case *e2e.DecryptedMessageService:
		return nil, m.Action
	case *e2e.DecryptedMessageService8:
		return nil, m.Action
	case *e2e.DecryptedMessage8:
		msg = &e2e.DecryptedMessage{RandomID: m.RandomID, Message: m.Message, Media: m.Media}
	case *e2e.DecryptedMessage23:
		msg = &e2e.DecryptedMessage{RandomID: m.RandomID, TTL: m.TTL, Message: m.Message, Media: m.Media}
	case *e2e.DecryptedMessage46:
		msg = &e2e.DecryptedMessage{
			RandomID: m.RandomID, TTL: m.TTL, Message: m.Message, Media: m.Media, Entities: m.Entities,
			ViaBotName: m.ViaBotName, ReplyToRandomID: m.ReplyToRandomID,
		}
	case *e2e.DecryptedMessage:
		msg = m
	}
	if d, ok := msg.Media.(*e2e.DecryptedMessageMediaDocument46); ok {
		msg.Media = &e2e.DecryptedMessageMediaDocument{
			Thumb: d.Thumb, ThumbW: d.ThumbW, ThumbH: d.ThumbH, MimeType: d.MimeType, Size: int64(d.Size),
			Key: d.Key, Iv: d.Iv, Attributes: d.Attributes, Caption: d.Caption,
		}
	}
	return msg, nil
}

// fit returns the message as the layer can say it. Formatting it lacks is left
// out; a file it cannot name is refused.
func fit(m e2e.DecryptedMessage, layer int) (*e2e.DecryptedMessage, error) {
	m.Flags = 0
	all := m.Entities
	m.Entities = nil
	for _, e := range all {
		if entityLayer(e) <= layer {
			m.Entities = append(m.Entities, e)
		}
	}
	d, ok := m.Media.(*e2e.DecryptedMessageMediaDocument)
	if !ok || layer >= bigFileLayer {
		return &m, nil
	}
	if d.Size > math.MaxInt32 {
		return nil, errFileSize
	}
	m.Media = &e2e.DecryptedMessageMediaDocument46{
		Thumb: d.Thumb, ThumbW: d.ThumbW, ThumbH: d.ThumbH, MimeType: d.MimeType, Size: int(d.Size),
		Key: d.Key, Iv: d.Iv, Attributes: d.Attributes, Caption: d.Caption,
	}
	return &m, nil
}

func entityLayer(e e2e.MessageEntityClass) int {
	switch e.(type) {
	case *e2e.MessageEntityUnderline, *e2e.MessageEntityStrike, *e2e.MessageEntityBlockquote:
		return entitiesLayer
	case *e2e.MessageEntitySpoiler, *e2e.MessageEntityCustomEmoji:
		return emojiLayer
	}
	return minLayer
}
