package encode

import (
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/message"
)

// plain are the entities that are nothing but a stretch, by the names they are stored under.
var plain = map[string]func(o, l int) tg.MessageEntityClass{
	"mention":   func(o, l int) tg.MessageEntityClass { return &tg.MessageEntityMention{Offset: o, Length: l} },
	"hashtag":   func(o, l int) tg.MessageEntityClass { return &tg.MessageEntityHashtag{Offset: o, Length: l} },
	"command":   func(o, l int) tg.MessageEntityClass { return &tg.MessageEntityBotCommand{Offset: o, Length: l} },
	"url":       func(o, l int) tg.MessageEntityClass { return &tg.MessageEntityURL{Offset: o, Length: l} },
	"email":     func(o, l int) tg.MessageEntityClass { return &tg.MessageEntityEmail{Offset: o, Length: l} },
	"bold":      func(o, l int) tg.MessageEntityClass { return &tg.MessageEntityBold{Offset: o, Length: l} },
	"italic":    func(o, l int) tg.MessageEntityClass { return &tg.MessageEntityItalic{Offset: o, Length: l} },
	"code":      func(o, l int) tg.MessageEntityClass { return &tg.MessageEntityCode{Offset: o, Length: l} },
	"underline": func(o, l int) tg.MessageEntityClass { return &tg.MessageEntityUnderline{Offset: o, Length: l} },
	"strike":    func(o, l int) tg.MessageEntityClass { return &tg.MessageEntityStrike{Offset: o, Length: l} },
	"spoiler":   func(o, l int) tg.MessageEntityClass { return &tg.MessageEntitySpoiler{Offset: o, Length: l} },
}

// names are the other way round, by constructor number.
var names = func() map[uint32]string {
	m := make(map[uint32]string, len(plain))
	for name, make := range plain {
		m[make(0, 0).TypeID()] = name
	}
	return m
}()

// Entities are the formatted stretches of a text.
//
// https://core.telegram.org/type/MessageEntity
func Entities(es []message.Entity) []tg.MessageEntityClass {
	out := make([]tg.MessageEntityClass, 0, len(es))
	for _, e := range es {
		switch e.Kind {
		case "pre":
			out = append(out, &tg.MessageEntityPre{Offset: e.Offset, Length: e.Length, Language: e.Language})
		case "link":
			out = append(out, &tg.MessageEntityTextURL{Offset: e.Offset, Length: e.Length, URL: e.URL})
		case "name":
			out = append(out, &tg.MessageEntityMentionName{Offset: e.Offset, Length: e.Length, UserID: e.User})
		case "emoji":
			out = append(out, &tg.MessageEntityCustomEmoji{Offset: e.Offset, Length: e.Length, DocumentID: e.Document})
		case "quote":
			out = append(out, &tg.MessageEntityBlockquote{Offset: e.Offset, Length: e.Length, Collapsed: e.Collapsed})
		default:
			if make := plain[e.Kind]; make != nil {
				out = append(out, make(e.Offset, e.Length))
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// Entities reads the entities a client sent. Those that mean nothing here are left out, and so are
// names of people whom the client cannot have met.
func (r Reader) Entities(viewer int64, es []tg.MessageEntityClass) []message.Entity {
	out := make([]message.Entity, 0, len(es))
	for _, e := range es {
		m := message.Entity{Kind: names[e.TypeID()], Offset: e.GetOffset(), Length: e.GetLength()}
		switch e := e.(type) {
		case *tg.MessageEntityPre:
			m.Kind, m.Language = "pre", e.Language
		case *tg.MessageEntityTextURL:
			m.Kind, m.URL = "link", e.URL
		case *tg.InputMessageEntityMentionName:
			if id, err := r.User(viewer, e.UserID); err == nil {
				m.Kind, m.User = "name", id
			}
		case *tg.MessageEntityCustomEmoji:
			m.Kind, m.Document = "emoji", e.DocumentID
		case *tg.MessageEntityBlockquote:
			m.Kind, m.Collapsed = "quote", e.Collapsed
		}
		if m.Kind != "" {
			out = append(out, m)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
