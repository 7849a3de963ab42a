package encode

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/message"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/core/user"
	"github.com/chappe-im/chappe/internal/seal"
)

const ann, bob = 11, 22

func reader(t *testing.T) Reader {
	t.Helper()
	box, err := seal.Open(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	return Reader{Users: user.New(nil, nil, box, time.Now)}
}

func TestPeersOfStrangers(t *testing.T) {
	r := reader(t)
	hash := r.Users.AccessHash(ann, bob)
	for _, in := range []tg.InputPeerClass{
		nil, &tg.InputPeerEmpty{}, &tg.InputPeerUser{UserID: bob}, &tg.InputPeerUser{UserID: bob, AccessHash: hash + 1},
		&tg.InputPeerUser{UserID: bob, AccessHash: r.Users.AccessHash(bob, ann)}, &tg.InputPeerChat{ChatID: 1}, &tg.InputPeerChannel{ChannelID: 1},
		&tg.InputPeerUserFromMessage{Peer: &tg.InputPeerSelf{}, UserID: bob},
	} {
		if p, err := r.Peer(ann, in); err != fault.PeerIDInvalid || p != 0 {
			t.Errorf("%v is %d, %v", in, p, err)
		}
	}
	for _, in := range []tg.InputUserClass{nil, &tg.InputUserEmpty{}, &tg.InputUser{UserID: bob}, &tg.InputUserFromMessage{UserID: bob}} {
		if id, err := r.User(ann, in); err != fault.UserIDInvalid || id != 0 {
			t.Errorf("%v is %d, %v", in, id, err)
		}
	}
	for want, in := range map[peer.ID]tg.InputPeerClass{
		ann: &tg.InputPeerSelf{}, bob: &tg.InputPeerUser{UserID: bob, AccessHash: hash}, peer.System: &tg.InputPeerUser{UserID: peer.System},
	} {
		if p, err := r.Peer(ann, in); err != nil || p != want {
			t.Errorf("%v is %d, %v", in, p, err)
		}
	}
}

// TestEntities sends every entity there is: what comes back is the same, or nothing.
func TestEntities(t *testing.T) {
	r := reader(t)
	hash := r.Users.AccessHash(ann, bob)
	kept := []tg.MessageEntityClass{
		&tg.MessageEntityBold{Offset: 1, Length: 2}, &tg.MessageEntityItalic{Offset: 1, Length: 2}, &tg.MessageEntityCode{Length: 1},
		&tg.MessageEntityUnderline{Length: 1}, &tg.MessageEntityStrike{Length: 1}, &tg.MessageEntitySpoiler{Length: 1},
		&tg.MessageEntityPre{Length: 3, Language: "go"}, &tg.MessageEntityTextURL{Length: 3, URL: "https://x.org"},
		&tg.MessageEntityCustomEmoji{Length: 2, DocumentID: 1 << 40}, &tg.MessageEntityBlockquote{Collapsed: true, Length: 5},
		&tg.MessageEntityURL{Length: 1}, &tg.MessageEntityEmail{Length: 1}, &tg.MessageEntityMention{Length: 1},
		&tg.MessageEntityHashtag{Length: 1}, &tg.MessageEntityBotCommand{Length: 1},
	}
	if got := Entities(r.Entities(ann, kept)); len(got) != len(kept) {
		t.Errorf("%d of %d", len(got), len(kept))
	} else {
		for i := range kept {
			if flags(t, got[i]) != flags(t, kept[i]) {
				t.Errorf("%v became %v", kept[i], got[i])
			}
		}
	}
	dropped := []tg.MessageEntityClass{
		&tg.MessageEntityUnknown{Length: 1}, &tg.MessageEntityPhone{Length: 1}, &tg.MessageEntityBankCard{Length: 1},
		&tg.MessageEntityMentionName{Length: 1, UserID: bob}, &tg.InputMessageEntityMentionName{Length: 1, UserID: &tg.InputUser{UserID: bob}},
		&tg.InputMessageEntityMentionName{Length: 1, UserID: &tg.InputUserEmpty{}}, &tg.InputMessageEntityMentionName{Length: 1},
	}
	if got := r.Entities(ann, dropped); got != nil {
		t.Errorf("%+v", got)
	}
	named := r.Entities(ann, []tg.MessageEntityClass{
		&tg.InputMessageEntityMentionName{Length: 1, UserID: &tg.InputUser{UserID: bob, AccessHash: hash}},
		&tg.InputMessageEntityMentionName{Length: 1, UserID: &tg.InputUserSelf{}},
	})
	if want := []message.Entity{{Kind: "name", Length: 1, User: bob}, {Kind: "name", Length: 1, User: ann}}; !reflect.DeepEqual(named, want) {
		t.Errorf("%+v", named)
	}
	if _, ok := Entities(named)[0].(*tg.MessageEntityMentionName); !ok {
		t.Errorf("%+v", Entities(named))
	}
}

// flags is an object as bytes, in which optional fields count only if they are set.
func flags(t *testing.T, o bin.Encoder) string {
	t.Helper()
	var b bin.Buffer
	if err := o.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return string(b.Buf)
}

func TestActions(t *testing.T) {
	for _, a := range []tg.SendMessageActionClass{
		&tg.SendMessageGamePlayAction{}, &tg.SpeakingInGroupCallAction{}, &tg.SendMessageEmojiInteraction{}, &tg.SendMessageHistoryImportAction{},
	} {
		if name, err := FromAction(a); err != fault.InputMethodInvalid {
			t.Errorf("%v is %q, %v", a, name, err)
		}
	}
	for name := range actions {
		if got, err := FromAction(Action(name)); got != name || err != nil {
			t.Errorf("%s became %s, %v", name, got, err)
		}
	}
}

func TestMessages(t *testing.T) {
	saved := message.Message{
		Account: ann, ID: 5, Peer: ann, Sender: ann, Date: 7,
		Extra: message.Extra{Forward: &message.Forward{From: bob, Date: 3, SavedPeer: bob, SavedID: 2}},
	}
	m := Message(saved).(*tg.Message)
	if m.Out || m.SavedPeerID.(*tg.PeerUser).UserID != bob || m.FwdFrom.SavedFromMsgID != 2 || m.FromID == nil {
		t.Errorf("%+v", m)
	}
	if got := People(saved); !reflect.DeepEqual(got, []int64{ann, ann, bob, bob}) {
		t.Errorf("names %v", got)
	}
	saved.Forward = nil
	if m := Message(saved).(*tg.Message); m.SavedPeerID.(*tg.PeerUser).UserID != ann {
		t.Errorf("%+v", m)
	}
	notice := Message(message.Message{Account: ann, ID: 6, Peer: bob, Sender: ann, Out: true, Extra: message.Extra{Notice: message.NoticeCleared}})
	if s, ok := notice.(*tg.MessageService); !ok || s.Action.TypeID() != tg.MessageActionHistoryClearTypeID || !s.Out {
		t.Errorf("%+v", notice)
	}
	for _, m := range []message.Message{{ID: 1, Peer: peer.Group(3)}, {ID: 1, Peer: peer.Channel(3), Extra: message.Extra{Reply: &message.Reply{ID: 1, Quote: "q"}}}} {
		flags(t, Message(m))
	}
}

func TestUsers(t *testing.T) {
	for _, c := range []struct {
		v    user.View
		want tg.UserStatusClass
	}{
		{user.View{Online: 9, Seen: 5}, &tg.UserStatusOnline{Expires: 9}},
		{user.View{Seen: 5}, &tg.UserStatusOffline{WasOnline: 5}},
		{user.View{}, &tg.UserStatusEmpty{}},
		{user.View{Deleted: true}, nil},
		{user.View{System: true}, nil},
	} {
		if got := User(c.v).(*tg.User); !reflect.DeepEqual(got.Status, c.want) {
			t.Errorf("%+v is %v", c.v, got.Status)
		}
	}
	for _, v := range []user.View{{Self: true}, {Contact: true}, {Deleted: true}, {System: true}} {
		if bar := Settings(v); bar.AddContact || bar.BlockContact {
			t.Errorf("%+v has %+v", v, bar)
		}
	}
}
