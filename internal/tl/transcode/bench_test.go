package transcode

import (
	"fmt"
	"testing"

	"github.com/gotd/td/tg"
)

// page is an answer of messages.getHistory: 50 messages, of which every fifth
// has a photo, every fifth a document and every second a reply and entities,
// and 50 users with photos and presence.
func page() *tg.MessagesMessages {
	answer := &tg.MessagesMessages{}
	for i := range 50 {
		m := &tg.Message{
			ID: 1000 - i, PeerID: &tg.PeerUser{UserID: 7}, Date: 1700000000 + i,
			Message: fmt.Sprintf("message %d: see https://example.org and tell the others what you think", i),
		}
		m.SetFromID(&tg.PeerUser{UserID: int64(i + 1)})
		if i%2 == 0 {
			m.SetReplyTo(&tg.MessageReplyHeader{ReplyToMsgID: 900})
			m.SetEntities([]tg.MessageEntityClass{
				&tg.MessageEntityBold{Offset: 0, Length: 7}, &tg.MessageEntityURL{Offset: 12, Length: 19},
			})
		}
		switch i % 5 {
		case 0:
			m.SetMedia(photo())
		case 1:
			m.SetMedia(video())
		}
		answer.Messages = append(answer.Messages, m)
		user := &tg.User{ID: int64(i + 1), AccessHash: 1 << 60}
		user.SetFirstName("Claude")
		user.SetLastName("Chappe")
		user.SetUsername("chappe" + fmt.Sprint(i))
		user.SetPhoto(&tg.UserProfilePhoto{PhotoID: 5, StrippedThumb: make([]byte, 80), DCID: 1})
		user.SetStatus(&tg.UserStatusOffline{WasOnline: 1700000000})
		answer.Users = append(answer.Users, user)
	}
	return answer
}

// photo is a photo of three sizes.
func photo() *tg.MessageMediaPhoto {
	return &tg.MessageMediaPhoto{Photo: &tg.Photo{
		ID: 1, AccessHash: 2, FileReference: make([]byte, 24), Date: 3, DCID: 1,
		Sizes: []tg.PhotoSizeClass{
			&tg.PhotoStrippedSize{Type: "i", Bytes: make([]byte, 80)},
			&tg.PhotoSize{Type: "m", W: 320, H: 240, Size: 20000},
			&tg.PhotoSizeProgressive{Type: "y", W: 1280, H: 960, Sizes: []int{10000, 50000, 90000}},
		},
	}}
}

// video is a video file.
func video() *tg.MessageMediaDocument {
	return &tg.MessageMediaDocument{Document: &tg.Document{
		ID: 1, AccessHash: 2, FileReference: make([]byte, 24), Date: 3, DCID: 1, MimeType: "video/mp4", Size: 1 << 24,
		Thumbs: []tg.PhotoSizeClass{&tg.PhotoSize{Type: "m", W: 320, H: 240, Size: 20000}},
		Attributes: []tg.DocumentAttributeClass{
			&tg.DocumentAttributeVideo{Duration: 12.6, W: 1280, H: 720},
			&tg.DocumentAttributeFilename{FileName: "film.mp4"},
		},
	}}
}

// BenchmarkResult translates a page of history from 227, tables ready.
func BenchmarkResult(b *testing.B) {
	in := encoded(b, page())
	for _, layer := range []int{152, 214, 228} {
		b.Run(fmt.Sprint(layer), func(b *testing.B) {
			var out []byte
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if out, err = Result(out[:0], layer, tg.MessagesGetHistoryRequestTypeID, in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestResultAllocations keeps the translation of a page free of garbage.
func TestResultAllocations(t *testing.T) {
	in := encoded(t, page())
	out, err := Result(nil, 152, tg.MessagesGetHistoryRequestTypeID, in)
	if err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(20, func() {
		out, err = Result(out[:0], 152, tg.MessagesGetHistoryRequestTypeID, in)
	})
	if n > 20 || err != nil {
		t.Errorf("%v allocations (%v)", n, err)
	}
}

// TestPage translates a page into every layer and counts what arrives.
func TestPage(t *testing.T) {
	s, in := load(), encoded(t, page())
	for _, layer := range s.layers {
		out, err := Result(nil, layer, tg.MessagesGetHistoryRequestTypeID, in)
		if err != nil {
			t.Fatal(layer, err)
		}
		n, err := decode(s, layer, out)
		if err != nil {
			t.Fatal(layer, err)
		}
		messages, users := n.fields["messages"].([]tree), n.fields["users"].([]tree)
		if len(messages) != 50 || len(users) != 50 {
			t.Errorf("layer %d: %d messages, %d users", layer, len(messages), len(users))
		}
		first := messages[0].(node)
		media := first.fields["media"].(node)
		if media.def.name != "messageMediaPhoto" || len(first.fields["entities"].([]tree)) != 2 ||
			first.fields["reply_to"] == nil || first.fields["from_id"] == nil {
			t.Errorf("layer %d: %v", layer, first.fields)
		}
	}
}

// BenchmarkStart parses the schema and makes the tables of one layer, which the
// first client of another layer waits for.
func BenchmarkStart(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		s, err := parse(schemaText)
		if err != nil {
			b.Fatal(err)
		}
		newPair(s, Canonical, 152, false)
		newPair(s, 152, Canonical, true)
	}
}
