package transcode

import (
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"
)

// obj is an object written by hand: its name and its fields. Numbers are int,
// vectors []any.
type obj struct {
	name   string
	fields map[string]any
}

// write serialises an object or a query of a layer.
func write(t *testing.T, layer int, o obj) []byte {
	t.Helper()
	s := load()
	d := s.in(layer, o.name, false)
	if d == nil {
		d = s.in(layer, o.name, true)
	}
	if d == nil {
		t.Fatalf("layer %d has no %s", layer, o.name)
	}
	b := binary.LittleEndian.AppendUint32(nil, d.id)
	for i := range d.fields {
		f := &d.fields[i]
		value, there := o.fields[f.name]
		switch {
		case f.typ.shape == shapeFlags:
			word := uint32(0)
			for j := range d.fields {
				g := &d.fields[j]
				if _, set := o.fields[g.name]; set && g.optional() && g.word == f.word {
					word |= 1 << uint(g.bit)
				}
			}
			b = binary.LittleEndian.AppendUint32(b, word)
		case there:
			b = append(b, writeValue(t, layer, f.typ, value)...)
		case !f.optional():
			t.Fatalf("%s needs %s", o.name, f.name)
		}
	}
	return b
}

// writeValue serialises one value.
func writeValue(t *testing.T, layer int, ty *typ, value any) []byte {
	t.Helper()
	switch ty.shape {
	case shapeTrue:
		return nil
	case shapeString:
		return appendText(nil, []byte(value.(string)))
	case shapeBool:
		tr := &tr{}
		tr.putBool(value.(bool))
		return tr.out
	case shapeInt:
		return binary.LittleEndian.AppendUint32(nil, uint32(value.(int)))
	case shapeLong:
		return binary.LittleEndian.AppendUint64(nil, uint64(value.(int)))
	case shapeDouble:
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(value.(float64)))
	case shapeVector:
		b := binary.LittleEndian.AppendUint32(nil, vectorID)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(value.([]any))))
		for _, v := range value.([]any) {
			b = append(b, writeValue(t, layer, ty.elem, v)...)
		}
		return b
	}
	return write(t, layer, value.(obj))
}

// up translates a query and decodes it as 227.
func up(t *testing.T, layer int, query obj, into bin.Decoder) {
	t.Helper()
	out, err := Query(nil, layer, write(t, layer, query))
	if err != nil {
		t.Fatal(err)
	}
	b := &bin.Buffer{Buf: out}
	if err := into.Decode(b); err != nil || len(b.Buf) > 0 {
		t.Fatalf("%v, %d bytes left", err, len(b.Buf))
	}
}

// encoded serialises an object of 227.
func encoded(t testing.TB, o bin.Encoder) []byte {
	t.Helper()
	var b bin.Buffer
	if err := o.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Buf
}

// down translates an object of 227 and wants the given one.
func down(t *testing.T, layer int, o bin.Encoder, want obj) {
	t.Helper()
	out, err := Object(nil, layer, encoded(t, o))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, layer, out, write(t, layer, want))
}

// equal compares bytes and shows them decoded.
func equal(t *testing.T, layer int, got, want []byte) {
	t.Helper()
	if string(got) == string(want) {
		return
	}
	a, _ := decode(load(), layer, got)
	b, _ := decode(load(), layer, want)
	t.Errorf("got %v %q\nwant %v %q", a.fields, got, b.fields, want)
}

// Objects that many cases need.
var (
	channel = obj{"inputChannel", map[string]any{"channel_id": 5, "access_hash": 6}}
	self    = obj{"inputPeerSelf", nil}
)

func TestReplyBecomesInputReplyTo(t *testing.T) {
	for _, test := range []struct {
		name string
		with map[string]any
		want tg.InputReplyToClass
	}{
		{"none", nil, nil},
		{"reply", map[string]any{"reply_to_msg_id": 8}, &tg.InputReplyToMessage{ReplyToMsgID: 8}},
		{"topic", map[string]any{"top_msg_id": 9}, topicReply(9, 9)},
		{"both", map[string]any{"reply_to_msg_id": 8, "top_msg_id": 9}, topicReply(8, 9)},
	} {
		t.Run(test.name, func(t *testing.T) {
			fields := map[string]any{"peer": self, "message": "hello", "random_id": 3}
			for k, v := range test.with {
				fields[k] = v
			}
			var got tg.MessagesSendMessageRequest
			up(t, 152, obj{"messages.sendMessage", fields}, &got)
			if !reflect.DeepEqual(got.ReplyTo, test.want) || got.Message != "hello" || got.RandomID != 3 {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// topicReply is a reply within a topic.
func topicReply(id, top int) *tg.InputReplyToMessage {
	r := &tg.InputReplyToMessage{ReplyToMsgID: id}
	r.SetTopMsgID(top)
	return r
}

func TestReplyOfOtherMethods(t *testing.T) {
	var screenshot tg.MessagesSendScreenshotNotificationRequest
	up(t, 152, obj{"messages.sendScreenshotNotification", map[string]any{
		"peer": self, "reply_to_msg_id": 8, "random_id": 3}}, &screenshot)
	if !reflect.DeepEqual(screenshot.ReplyTo, tg.InputReplyToClass(&tg.InputReplyToMessage{ReplyToMsgID: 8})) {
		t.Errorf("got %+v", screenshot)
	}
	var draft tg.MessagesSaveDraftRequest
	up(t, 158, obj{"messages.saveDraft", map[string]any{
		"peer": self, "top_msg_id": 9, "message": ""}}, &draft)
	if !reflect.DeepEqual(draft.ReplyTo, tg.InputReplyToClass(topicReply(9, 9))) {
		t.Errorf("got %+v", draft)
	}
	d := &tg.DraftMessage{Message: "d", Date: 4}
	d.SetReplyTo(topicReply(8, 9))
	down(t, 152, d, obj{"draftMessage", map[string]any{"reply_to_msg_id": 8, "message": "d", "date": 4}})
	d.SetReplyTo(&tg.InputReplyToStory{Peer: &tg.InputPeerSelf{}, StoryID: 1})
	down(t, 152, d, obj{"draftMessage", map[string]any{"message": "d", "date": 4}})
}

func TestStoryReply(t *testing.T) {
	var got tg.MessagesSendMessageRequest
	user := obj{"inputUser", map[string]any{"user_id": 5, "access_hash": 6}}
	up(t, 166, obj{"messages.sendMessage", map[string]any{"peer": self, "message": "m", "random_id": 3,
		"reply_to": obj{"inputReplyToStory", map[string]any{"user_id": user, "story_id": 2}}}}, &got)
	want := &tg.InputReplyToStory{Peer: &tg.InputPeerUser{UserID: 5, AccessHash: 6}, StoryID: 2}
	if !reflect.DeepEqual(got.ReplyTo, tg.InputReplyToClass(want)) {
		t.Errorf("got %+v", got.ReplyTo)
	}
}

// result translates the answer to a method and wants the given bytes.
func result(t *testing.T, layer int, method uint32, answer bin.Encoder, want []byte) {
	t.Helper()
	out, err := Result(nil, layer, method, encoded(t, answer))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, layer, out, want)
}

// noUpdates is an answer without content.
func noUpdates() *tg.Updates { return &tg.Updates{Date: 4, Seq: 5} }

// wroteNoUpdates is noUpdates as an old layer has it.
func wroteNoUpdates(t *testing.T) []byte {
	return write(t, 152, obj{"updates", map[string]any{
		"updates": []any{}, "users": []any{}, "chats": []any{}, "date": 4, "seq": 5}})
}

func TestResultTypes(t *testing.T) {
	invited := &tg.MessagesInvitedUsers{Updates: noUpdates()}
	joined := &tg.MessagesChatInviteJoinResultOk{Updates: noUpdates()}
	for _, method := range []uint32{
		tg.MessagesCreateChatRequestTypeID, tg.MessagesAddChatUserRequestTypeID, tg.ChannelsInviteToChannelRequestTypeID,
	} {
		result(t, 152, method, invited, wroteNoUpdates(t))
	}
	result(t, 152, tg.ChannelsJoinChannelRequestTypeID, joined, wroteNoUpdates(t))
	result(t, 152, tg.MessagesImportChatInviteRequestTypeID, joined, wroteNoUpdates(t))
	result(t, 152, tg.HelpGetAppConfigRequestTypeID, &tg.HelpAppConfig{Hash: 1, Config: &tg.JSONNumber{Value: 2}},
		encoded(t, &tg.JSONNumber{Value: 2}))
	result(t, 152, tg.MessagesGetWebPageRequestTypeID, &tg.MessagesWebPage{Webpage: &tg.WebPageEmpty{ID: 9}},
		write(t, 152, obj{"webPageEmpty", map[string]any{"id": 9}}))
	result(t, 152, tg.MessagesGetWebPagePreviewRequestTypeID, &tg.MessagesWebPagePreview{Media: &tg.MessageMediaEmpty{}},
		write(t, 152, obj{"messageMediaEmpty", nil}))
	for o, want := range map[tg.ReportResultClass]bool{
		&tg.ReportResultReported{}: true, &tg.ReportResultAddComment{Option: []byte("x")}: false,
	} {
		result(t, 152, tg.MessagesReportRequestTypeID, o, writeValue(t, 152, load().typs["Bool"], want))
	}
	read := &tg.ReadParticipantDateVector{Elems: []tg.ReadParticipantDate{{UserID: 7, Date: 1}}}
	result(t, 152, tg.MessagesGetMessageReadParticipantsRequestTypeID, read,
		writeValue(t, 152, load().typs["Vector<long>"], []any{7}))
	result(t, 152, tg.MessagesRequestSimpleWebViewRequestTypeID, &tg.WebViewResultURL{URL: "u"},
		write(t, 152, obj{"simpleWebViewResultUrl", map[string]any{"url": "u"}}))
	result(t, 166, tg.StoriesGetPeerMaxIDsRequestTypeID, &tg.RecentStoryVector{Elems: []tg.RecentStory{{}, story(4)}},
		writeValue(t, 166, load().typs["Vector<int>"], []any{0, 4}))
}

// story is a story with an id.
func story(id int) tg.RecentStory {
	var s tg.RecentStory
	s.SetMaxID(id)
	return s
}

func TestDialogFilters(t *testing.T) {
	filters := &tg.MessagesDialogFilters{Filters: []tg.DialogFilterClass{
		&tg.DialogFilterDefault{},
		&tg.DialogFilter{ID: 2, Title: tg.TextWithEntities{Text: "work"}},
		&tg.DialogFilterChatlist{ID: 3, Title: tg.TextWithEntities{Text: "shared"}},
	}}
	none := []any{}
	work := map[string]any{"id": 2, "title": "work", "pinned_peers": none, "include_peers": none, "exclude_peers": none}
	shared := map[string]any{"id": 3, "title": "shared", "pinned_peers": none, "include_peers": none}
	result(t, 152, tg.MessagesGetDialogFiltersRequestTypeID, filters, writeValue(t, 152,
		load().typs["Vector<DialogFilter>"], []any{obj{"dialogFilterDefault", nil}, obj{"dialogFilter", work}}))
	result(t, 158, tg.MessagesGetDialogFiltersRequestTypeID, filters, writeValue(t, 158,
		load().typs["Vector<DialogFilter>"],
		[]any{obj{"dialogFilterDefault", nil}, obj{"dialogFilter", work}, obj{"dialogFilterChatlist", shared}}))

	var got tg.MessagesUpdateDialogFilterRequest
	up(t, 152, obj{"messages.updateDialogFilter", map[string]any{"id": 2, "filter": obj{"dialogFilter", work}}}, &got)
	if f, ok := got.Filter.(*tg.DialogFilter); !ok || f.Title.Text != "work" {
		t.Errorf("got %+v", got)
	}
}

func TestTypes(t *testing.T) {
	video := &tg.DocumentAttributeVideo{Duration: 12.6, W: 3, H: 4, Nosound: true}
	down(t, 152, video, obj{"documentAttributeVideo", map[string]any{"duration": 13, "w": 3, "h": 4}})
	video.Duration = math.Inf(-1)
	down(t, 152, video, obj{"documentAttributeVideo", map[string]any{"duration": 0, "w": 3, "h": 4}})

	results := &tg.PollResults{}
	results.SetRecentVoters([]tg.PeerClass{&tg.PeerUser{UserID: 7}, &tg.PeerChannel{ChannelID: 8}})
	down(t, 152, results, obj{"pollResults", map[string]any{"recent_voters": []any{7}}})

	answer := &tg.PollAnswer{Text: tg.TextWithEntities{Text: "yes"}, Option: []byte("0")}
	down(t, 152, answer, obj{"pollAnswer", map[string]any{"text": "yes", "option": "0"}})

	privacy := &tg.GlobalPrivacySettings{ArchiveAndMuteNewNoncontactPeers: true}
	privacy.SetFlags()
	down(t, 152, privacy, obj{"globalPrivacySettings", map[string]any{"archive_and_mute_new_noncontact_peers": true}})
	blocked := &tg.UpdatePeerBlocked{PeerID: &tg.PeerUser{UserID: 7}, Blocked: true}
	down(t, 152, blocked, obj{"updatePeerBlocked", map[string]any{
		"peer_id": obj{"peerUser", map[string]any{"user_id": 7}}, "blocked": true}})
}

func TestPollUpwards(t *testing.T) {
	option := func(text, id string) obj { return obj{"pollAnswer", map[string]any{"text": text, "option": id}} }
	poll := obj{"poll", map[string]any{
		"id": 1, "quiz": true, "question": "which?", "answers": []any{option("one", "a"), option("two", "b")}}}
	media := func(correct string) obj {
		return obj{"messages.sendMedia", map[string]any{"peer": self, "message": "", "random_id": 3,
			"media": obj{"inputMediaPoll", map[string]any{"poll": poll, "correct_answers": []any{correct}}}}}
	}
	var lost *LostError
	if _, err := Query(nil, 152, write(t, 152, media("c"))); !errors.As(err, &lost) {
		t.Errorf("an answer that is not in the poll: %v", err)
	}
	var got tg.MessagesSendMediaRequest
	up(t, 152, media("b"), &got)
	p := got.Media.(*tg.InputMediaPoll)
	if correct, _ := p.GetCorrectAnswers(); len(correct) != 1 || correct[0] != 1 || p.Poll.Question.Text != "which?" || !p.Poll.Quiz {
		t.Errorf("got %+v", p)
	}
}

func TestConstants(t *testing.T) {
	out, err := Object(nil, 152, encoded(t, &tg.Config{DCOptions: []tg.DCOption{{ID: 1}}, MessageLengthMax: 4096}))
	if err != nil {
		t.Fatal(err)
	}
	n, err := decode(load(), 152, out)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"saved_gifs_limit": "\xc8\x00\x00\x00", "stickers_faved_limit": "\x05\x00\x00\x00",
		"pinned_dialogs_count_max": "\x05\x00\x00\x00", "pinned_infolder_count_max": "d\x00\x00\x00",
	} {
		if n.fields[name] != want {
			t.Errorf("%s is %q", name, n.fields[name])
		}
	}
}

func TestStandIns(t *testing.T) {
	down(t, 152, &tg.MessageMediaToDo{}, obj{"messageMediaUnsupported", nil})
	down(t, 152, &tg.MessageActionPaidMessagesPrice{Stars: 3},
		obj{"messageActionCustomAction", map[string]any{"message": unsupportedAction}})
	plain := obj{"textPlain", map[string]any{"text": "x"}}
	down(t, 225, &tg.TextMath{Source: "x"}, obj{"textEmpty", nil})
	down(t, 225, &tg.TextSpoiler{Text: &tg.TextPlain{Text: "x"}}, plain)
	promo := &tg.HelpPromoData{Expires: 9}
	down(t, 152, promo, obj{"help.promoDataEmpty", map[string]any{"expires": 9}})
}

func TestUpdatesAreCounted(t *testing.T) {
	story := &tg.UpdateStoryID{ID: 1, RandomID: 2}
	none := []any{}
	down(t, 152, &tg.UpdateShort{Update: story, Date: 4}, obj{"updates", map[string]any{
		"updates": none, "users": none, "chats": none, "date": 4, "seq": 0}})
	read := &tg.UpdateReadMessagesContents{Messages: []int{1}, Pts: 7, PtsCount: 1}
	down(t, 152, &tg.Updates{Updates: []tg.UpdateClass{story, read}, Date: 4, Seq: 5}, obj{"updates", map[string]any{
		"updates": []any{obj{"updateReadMessagesContents", map[string]any{"messages": []any{1}, "pts": 7, "pts_count": 1}}},
		"users":   none, "chats": none, "date": 4, "seq": 5}})

	p, err := pairOf(152, false)
	if err != nil {
		t.Fatal(err)
	}
	for o, want := range map[bin.Encoder]obj{
		read: {"updateDeleteMessages", map[string]any{"messages": none, "pts": 7, "pts_count": 1}},
		&tg.UpdateDeleteChannelMessages{ChannelID: 3, Messages: []int{1}, Pts: 7, PtsCount: 1}: {
			"updateDeleteChannelMessages", map[string]any{"channel_id": 3, "messages": none, "pts": 7, "pts_count": 1}},
	} {
		out, err := p.run(nil, encoded(t, o), func(t *tr) error { // as if the layer did not know it
			return t.class(t.s.typs["Update"], func(*def) *plan { return &plan{} })
		})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, 152, out, write(t, 152, want))
	}
}

func TestMethod(t *testing.T) {
	id := func(layer int, name string) uint32 { return load().in(layer, name, true).id }
	for _, test := range []struct {
		layer    int
		id, want uint32
	}{
		{151, id(152, "messages.sendMessage"), 0},
		{152, 1, 0},
		{152, id(152, "messages.getAllChats"), 0},
		{152, id(152, "messages.sendMessage"), tg.MessagesSendMessageRequestTypeID},
		{152, id(152, "channels.createForumTopic"), tg.MessagesCreateForumTopicRequestTypeID},
		{227, id(227, "messages.sendMessage"), tg.MessagesSendMessageRequestTypeID},
	} {
		if got := Method(test.layer, test.id); got != test.want {
			t.Errorf("layer %d: %#x is %#x, not %#x", test.layer, test.id, got, test.want)
		}
	}
}

func TestFormerMethods(t *testing.T) {
	var topic tg.MessagesCreateForumTopicRequest
	up(t, 152, obj{"channels.createForumTopic", map[string]any{
		"channel": channel, "title": "t", "random_id": 3}}, &topic)
	if !reflect.DeepEqual(topic.Peer, tg.InputPeerClass(&tg.InputPeerChannel{ChannelID: 5, AccessHash: 6})) {
		t.Errorf("got %+v", topic)
	}
	result(t, 152, tg.MessagesCreateForumTopicRequestTypeID, noUpdates(), wroteNoUpdates(t))

	var signatures tg.ChannelsToggleSignaturesRequest
	for _, on := range []bool{true, false} {
		up(t, 152, obj{"channels.toggleSignatures", map[string]any{"channel": channel, "enabled": on}}, &signatures)
		if signatures.SignaturesEnabled != on {
			t.Errorf("got %+v for %v", signatures, on)
		}
	}
	var report tg.MessagesReportRequest
	up(t, 152, obj{"messages.report", map[string]any{"peer": self, "id": []any{1}, "message": "m",
		"reason": obj{"inputReportReasonChildAbuse", nil}}}, &report)
	if string(report.Option) != "ChildAbuse" {
		t.Errorf("got %+v", report)
	}
	var color tg.AccountUpdateColorRequest
	up(t, 170, obj{"account.updateColor", map[string]any{"color": 3, "background_emoji_id": 4}}, &color)
	want := &tg.PeerColor{}
	want.SetColor(3)
	want.SetBackgroundEmojiID(4)
	if !reflect.DeepEqual(color.Color, tg.PeerColorClass(want)) {
		t.Errorf("got %+v", color)
	}
}

func TestRenamedFields(t *testing.T) {
	down(t, 152, &tg.MessageActionGiftPremium{Currency: "EUR", Amount: 1, Days: 90},
		obj{"messageActionGiftPremium", map[string]any{"currency": "EUR", "amount": 1, "months": 3}})
	down(t, 152, &tg.MessageActionRequestedPeer{ButtonID: 1, Peers: []tg.PeerClass{&tg.PeerUser{UserID: 7}}},
		obj{"messageActionRequestedPeer", map[string]any{
			"button_id": 1, "peer": obj{"peerUser", map[string]any{"user_id": 7}}}})
	down(t, 152, &tg.MessageActionSetChatTheme{Theme: &tg.ChatTheme{Emoticon: "x"}},
		obj{"messageActionSetChatTheme", map[string]any{"emoticon": "x"}})
	var theme tg.MessagesSetChatThemeRequest
	up(t, 152, obj{"messages.setChatTheme", map[string]any{"peer": self, "emoticon": "x"}}, &theme)
	if !reflect.DeepEqual(theme.Theme, tg.InputChatThemeClass(&tg.InputChatTheme{Emoticon: "x"})) {
		t.Errorf("got %+v", theme)
	}
}
