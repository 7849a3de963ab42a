package lists

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/rpc"
)

var now = time.Unix(1_800_000_000, 0)

// caller calls methods as an account.
func caller(t *testing.T, account int64) func(query bin.Object) (bin.Encoder, error) {
	t.Helper()
	table, err := rpc.NewTable(Methods(func() time.Time { return now }), nil, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return func(query bin.Object) (bin.Encoder, error) {
		t.Helper()
		var b bin.Buffer
		if err := query.Encode(&b); err != nil {
			t.Fatal(err)
		}
		return table.Call(t.Context(), &rpc.Caller{Account: account}, b.Buf)
	}
}

// TestBeforeLogin holds all but what a client must know first to those who are signed in.
func TestBeforeLogin(t *testing.T) {
	call := caller(t, 0)
	if _, err := call(&tg.MessagesGetAllStickersRequest{}); !errors.Is(err, fault.AuthKeyUnregistered) {
		t.Errorf("stickers: %v", err)
	}
	answer, err := call(&tg.HelpGetTermsOfServiceUpdateRequest{})
	if u, ok := answer.(*tg.HelpTermsOfServiceUpdateEmpty); !ok || err != nil || u.Expires != int(now.Unix())+86400 {
		t.Errorf("terms: %v, %v", answer, err)
	}
}

func TestSearch(t *testing.T) {
	call := caller(t, 7)
	me, text := &tg.InputPeerSelf{}, &tg.InputMessagesFilterEmpty{}
	for _, query := range []bin.Object{
		&tg.MessagesSearchRequest{Peer: me, Q: "tea", Filter: text},
		&tg.MessagesSearchRequest{Peer: me, Filter: &tg.InputMessagesFilterURL{}},
		&tg.MessagesSearchGlobalRequest{Q: "tea", Filter: text, OffsetPeer: me},
	} {
		if answer, err := call(query); !errors.Is(err, fault.InputFilterInvalid) {
			t.Errorf("%v: %v, %v", query, answer, err)
		}
	}
	answer, err := call(&tg.MessagesSearchRequest{Peer: me, Filter: &tg.InputMessagesFilterPinned{}})
	if found, ok := answer.(*tg.MessagesMessages); !ok || err != nil || len(found.Messages) != 0 {
		t.Errorf("pinned: %v, %v", answer, err)
	}
	answer, err = call(&tg.MessagesGetSearchCountersRequest{
		Peer: me, Filters: []tg.MessagesFilterClass{&tg.InputMessagesFilterPhotos{}, &tg.InputMessagesFilterURL{}},
	})
	counted, ok := answer.(*tg.MessagesSearchCounterVector)
	if !ok || err != nil || len(counted.Elems) != 1 || counted.Elems[0].Count != 0 {
		t.Errorf("counters: %v, %v", answer, err)
	}
}

func TestPrivacy(t *testing.T) {
	call := caller(t, 7)
	for _, tt := range []struct {
		key  tg.InputPrivacyKeyClass
		want tg.PrivacyRuleClass
	}{
		{&tg.InputPrivacyKeyPhoneCall{}, &tg.PrivacyValueDisallowAll{}},
		{&tg.InputPrivacyKeyPhoneNumber{}, &tg.PrivacyValueAllowContacts{}},
		{&tg.InputPrivacyKeyStatusTimestamp{}, &tg.PrivacyValueAllowAll{}},
	} {
		answer, err := call(&tg.AccountGetPrivacyRequest{Key: tt.key})
		rules, ok := answer.(*tg.AccountPrivacyRules)
		if !ok || err != nil || len(rules.Rules) != 1 || rules.Rules[0].TypeID() != tt.want.TypeID() {
			t.Errorf("%s: %v, %v", tt.key.TypeName(), answer, err)
		}
	}
}

func TestNotifications(t *testing.T) {
	call := caller(t, 7)
	for _, tt := range []struct {
		of  tg.InputNotifyPeerClass
		own bool
	}{
		{&tg.InputNotifyPeer{Peer: &tg.InputPeerSelf{}}, false},
		{&tg.InputNotifyUsers{}, true},
	} {
		answer, err := call(&tg.AccountGetNotifySettingsRequest{Peer: tt.of})
		settings, ok := answer.(*tg.PeerNotifySettings)
		if !ok || err != nil {
			t.Fatalf("%s: %v, %v", tt.of.TypeName(), answer, err)
		}
		if _, own := settings.GetMuteUntil(); own != tt.own {
			t.Errorf("%s: %v", tt.of.TypeName(), settings)
		}
	}
}

// TestAsMany holds answers that have an element for each of the query to that.
func TestAsMany(t *testing.T) {
	call := caller(t, 7)
	users := []tg.InputUserClass{&tg.InputUserSelf{}, &tg.InputUser{UserID: 8}}
	answer, err := call(&tg.UsersGetRequirementsToContactRequest{ID: users})
	if v, ok := answer.(*tg.RequirementToContactClassVector); !ok || err != nil || len(v.Elems) != 2 {
		t.Errorf("requirements: %v, %v", answer, err)
	}
	answer, err = call(&tg.StoriesGetPeerMaxIDsRequest{ID: []tg.InputPeerClass{&tg.InputPeerSelf{}}})
	if v, ok := answer.(*tg.RecentStoryVector); !ok || err != nil || len(v.Elems) != 1 {
		t.Errorf("stories: %v, %v", answer, err)
	}
}
