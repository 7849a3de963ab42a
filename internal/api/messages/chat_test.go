package messages_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/app/apptest"
)

// device is a client that tells what was pushed to it.
type device struct {
	*apptest.Client
	t    *testing.T
	name string
	read int
}

func signUp(t *testing.T, s *apptest.Server, name string) *device {
	t.Helper()
	return &device{Client: s.SignUp(name), t: t, name: name}
}

// second signs a person in on another device, by the code that reaches the first.
func second(t *testing.T, s *apptest.Server, first *device) *device {
	t.Helper()
	ctx := limited(t)
	c := s.Dial(nil)
	sent, err := c.API.AuthSendCode(ctx, &tg.AuthSendCodeRequest{PhoneNumber: first.Self.Phone, APIID: 1, APIHash: "test"})
	must(t, err)
	code := ""
	apptest.Await(first.Client, func(u *tg.UpdateNewMessage) bool {
		_, text, _ := strings.Cut(u.Message.(*tg.Message).Message, ": ")
		code, _, _ = strings.Cut(text, ".")
		return code != ""
	})
	a, err := c.API.AuthSignIn(ctx, &tg.AuthSignInRequest{
		PhoneNumber: first.Self.Phone, PhoneCodeHash: sent.(*tg.AuthSentCode).PhoneCodeHash, PhoneCode: code,
	})
	must(t, err)
	c.Self = a.(*tg.AuthAuthorization).User.(*tg.User)
	return &device{Client: c, t: t, name: first.name + "'s second"}
}

func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), apptest.Wait)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, err error, name string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("%v, want %s", err, name)
	}
}

// state asks for the state, behind which nothing is left that was pushed before.
func (d *device) state() *tg.UpdatesState {
	d.t.Helper()
	s, err := d.API.UpdatesGetState(limited(d.t))
	must(d.t, err)
	return s
}

// news returns the kinds of updates pushed since the last call.
func (d *device) news() string {
	d.t.Helper()
	d.state()
	all := d.Updates()
	var kinds []string
	for _, u := range all[d.read:] {
		kinds = append(kinds, strings.TrimPrefix(u.TypeName(), "update"))
	}
	d.read = len(all)
	return strings.Join(kinds, " ")
}

func (d *device) send(to tg.InputPeerClass, text string) *tg.Message {
	d.t.Helper()
	u, err := d.API.MessagesSendMessage(limited(d.t), &tg.MessagesSendMessageRequest{Peer: to, Message: text, RandomID: d.random()})
	must(d.t, err)
	return sent(d.t, u)[0]
}

var numbers int64

func (d *device) random() int64 {
	numbers++
	return numbers
}

// sent returns the messages of an answer to sending, each of which has its id told first.
func sent(t *testing.T, u tg.UpdatesClass) (out []*tg.Message) {
	t.Helper()
	all, ok := u.(*tg.Updates)
	if !ok {
		t.Fatalf("answered %T", u)
	}
	var ids []int
	for _, u := range all.Updates {
		switch u := u.(type) {
		case *tg.UpdateMessageID:
			ids = append(ids, u.ID)
		case *tg.UpdateNewMessage:
			m := u.Message.(*tg.Message)
			if len(ids) <= len(out) || ids[len(out)] != m.ID || u.Pts != m.ID || u.PtsCount != 1 {
				t.Errorf("%+v with the ids %v", u, ids)
			}
			out = append(out, m)
		default:
			t.Errorf("unexpected %T", u)
		}
	}
	return out
}

// TestEachSessionHearsOnce holds every kind of update to reaching each other session of both people
// once, and not the one that caused it.
func TestEachSessionHearsOnce(t *testing.T) {
	s := apptest.Start(t, nil)
	ann, bob := signUp(t, s, "Ann"), signUp(t, s, "Bob")
	ann2, bob2 := second(t, s, ann), second(t, s, bob)
	toBob, toAnn := apptest.Befriend(t, ann.Client, bob.Client), apptest.Befriend(t, bob.Client, ann.Client)
	all := []*device{ann, ann2, bob, bob2}
	for _, d := range all {
		d.news()
	}
	ctx := limited(t)
	first := ann.send(toBob, "hello")
	theirs := apptest.Await(bob.Client, func(u *tg.UpdateNewMessage) bool { return u.Message.(*tg.Message).Message == "hello" }).Message.(*tg.Message)
	step := func(what string, want [4]string, err error) {
		t.Helper()
		must(t, err)
		for i, d := range all {
			if got := d.news(); got != want[i] {
				t.Errorf("%s: %s heard %q, want %q", what, d.name, got, want[i])
			}
		}
	}
	step("send", [4]string{"", "NewMessage", "NewMessage", "NewMessage"}, nil)
	_, err := ann.API.MessagesSendMessage(ctx, &tg.MessagesSendMessageRequest{Peer: toBob, Message: "hello", RandomID: numbers})
	step("send again", [4]string{}, err)
	_, err = bob.API.MessagesReadHistory(ctx, &tg.MessagesReadHistoryRequest{Peer: toAnn, MaxID: theirs.ID})
	step("read", [4]string{"ReadHistoryOutbox", "ReadHistoryOutbox", "", "ReadHistoryInbox"}, err)
	_, err = ann.API.MessagesEditMessage(ctx, &tg.MessagesEditMessageRequest{Peer: toBob, ID: first.ID, Message: "hello!"})
	step("edit", [4]string{"", "EditMessage", "EditMessage", "EditMessage"}, err)
	_, err = ann.API.MessagesSetTyping(ctx, &tg.MessagesSetTypingRequest{Peer: toBob, Action: &tg.SendMessageTypingAction{}})
	step("type", [4]string{"", "", "UserTyping", "UserTyping"}, err)
	_, err = ann.API.MessagesMarkDialogUnread(ctx, &tg.MessagesMarkDialogUnreadRequest{Unread: true, Peer: &tg.InputDialogPeer{Peer: toBob}})
	step("mark", [4]string{"", "DialogUnreadMark", "", ""}, err)
	_, err = ann.API.AccountUpdateStatus(ctx, false)
	step("come online", [4]string{"", "", "UserStatus", "UserStatus"}, err)
	_, err = ann.API.AccountUpdateProfile(ctx, &tg.AccountUpdateProfileRequest{LastName: "Lee", Flags: 2})
	step("rename", [4]string{"", "UserName", "UserName", "UserName"}, err)
	_, err = ann.API.ContactsAddContact(ctx, &tg.ContactsAddContactRequest{
		ID: &tg.InputUser{UserID: bob.Self.ID, AccessHash: toBob.AccessHash}, FirstName: "Robert",
	})
	step("add a contact", [4]string{"", "PeerSettings", "", ""}, err)
	_, err = ann.API.ContactsBlock(ctx, &tg.ContactsBlockRequest{ID: toBob})
	step("block", [4]string{"", "PeerBlocked", "", ""}, err)
	_, err = ann.API.AccountUpdateStatus(ctx, true)
	step("go offline unseen", [4]string{}, err)
	bob.send(toAnn, "into the void")
	step("send to who blocked", [4]string{"", "", "", "NewMessage"}, nil)
	_, err = ann.API.ContactsUnblock(ctx, &tg.ContactsUnblockRequest{ID: toBob})
	step("unblock", [4]string{"", "PeerBlocked", "", ""}, err)
	_, err = ann.API.MessagesDeleteMessages(ctx, &tg.MessagesDeleteMessagesRequest{Revoke: true, ID: []int{first.ID}})
	step("delete", [4]string{"", "DeleteMessages", "DeleteMessages", "DeleteMessages"}, err)
	ann.send(&tg.InputPeerSelf{}, "note")
	step("save", [4]string{"", "NewMessage", "", ""}, nil)
	_, err = ann.API.MessagesDeleteHistory(ctx, &tg.MessagesDeleteHistoryRequest{Peer: &tg.InputPeerSelf{}, JustClear: true})
	step("clear", [4]string{"NewMessage", "DeleteMessages NewMessage", "", ""}, err)
	for _, pair := range [][2]*device{{ann, ann2}, {bob, bob2}} {
		checkPts(t, pair[1], pair[1].state().Pts)
		if a, b := pair[0].state(), pair[1].state(); a.Pts != b.Pts || a.Seq != b.Seq {
			t.Errorf("%+v and %+v", a, b)
		}
	}
}

// checkPts holds the updates of a device that caused none to following each other up to a pts.
func checkPts(t *testing.T, d *device, last int) {
	t.Helper()
	at := 0
	for _, u := range d.Updates() {
		counted, ok := u.(interface {
			GetPts() int
			GetPtsCount() int
		})
		if !ok {
			continue
		}
		if at != 0 && counted.GetPts() != at+counted.GetPtsCount() {
			t.Errorf("%s is at %d, then comes %v", d.name, at, u)
		}
		at = counted.GetPts()
	}
	if d.name == "Ann's second" && at != last {
		t.Errorf("%s heard up to %d of %d", d.name, at, last)
	}
}

func TestConversation(t *testing.T) {
	s := apptest.Start(t, nil)
	ann, bob := signUp(t, s, "Ann"), signUp(t, s, "Bob")
	toBob, toAnn := apptest.Befriend(t, ann.Client, bob.Client), apptest.Befriend(t, bob.Client, ann.Client)
	ctx := limited(t)
	start := bob.state()
	for name, r := range map[string]*tg.MessagesSendMessageRequest{
		"PEER_ID_INVALID":       {Peer: &tg.InputPeerUser{UserID: bob.Self.ID, AccessHash: toBob.AccessHash + 1}, Message: "x"},
		"SCHEDULE_DATE_INVALID": {Peer: toBob, Message: "x", ScheduleDate: 2e9},
		"MESSAGE_EMPTY":         {Peer: toBob, Message: " "},
		"SEND_AS_PEER_INVALID":  {Peer: toBob, Message: "x", SendAs: toBob},
		"EFFECT_ID_INVALID":     {Peer: toBob, Message: "x", Effect: 5},
		"REPLY_TO_INVALID":      {Peer: toBob, Message: "x", ReplyTo: &tg.InputReplyToMessage{ReplyToMsgID: 2, ReplyToPeerID: &tg.InputPeerSelf{}}},
	} {
		r.RandomID = 77
		_, err := ann.API.MessagesSendMessage(ctx, r)
		want(t, err, name)
	}
	_, err := ann.API.MessagesSetTyping(ctx, &tg.MessagesSetTypingRequest{Peer: toBob, Action: &tg.SendMessageGamePlayAction{}})
	want(t, err, "INPUT_METHOD_INVALID")

	u, err := ann.API.MessagesSendMessage(ctx, &tg.MessagesSendMessageRequest{
		Peer: toBob, Message: "Bob, see example.com", RandomID: ann.random(),
		Entities: []tg.MessageEntityClass{
			&tg.InputMessageEntityMentionName{Length: 3, UserID: &tg.InputUser{UserID: bob.Self.ID, AccessHash: toBob.AccessHash}},
			&tg.InputMessageEntityMentionName{Length: 3, UserID: &tg.InputUser{UserID: bob.Self.ID + 1}},
			&tg.MessageEntityMentionName{Length: 3, UserID: bob.Self.ID + 1},
		},
	})
	must(t, err)
	first := sent(t, u)[0]
	if got := fmt.Sprint(first.Entities); len(first.Entities) != 2 || first.FromID == nil || !first.Out {
		t.Errorf("%s, %+v", got, first)
	}
	theirs := apptest.Await[*tg.UpdateNewMessage](bob.Client, nil).Message.(*tg.Message)
	u, err = bob.API.MessagesSendMessage(ctx, &tg.MessagesSendMessageRequest{
		Peer: toAnn, Message: "I did", RandomID: bob.random(),
		ReplyTo: &tg.InputReplyToMessage{ReplyToMsgID: theirs.ID, QuoteText: "example.com", QuoteOffset: 9},
	})
	must(t, err)
	reply := sent(t, u)[0].ReplyTo.(*tg.MessageReplyHeader)
	if reply.ReplyToMsgID != theirs.ID || reply.QuoteText != "example.com" || !reply.Quote {
		t.Errorf("%+v", reply)
	}
	u, err = ann.API.MessagesForwardMessages(ctx, &tg.MessagesForwardMessagesRequest{
		FromPeer: toBob, ToPeer: &tg.InputPeerSelf{}, ID: []int{first.ID, first.ID + 1}, RandomID: []int64{ann.random(), ann.random()},
	})
	must(t, err)
	saved := sent(t, u)
	if len(saved) != 2 || saved[0].Out || saved[1].FwdFrom.FromID.(*tg.PeerUser).UserID != bob.Self.ID ||
		saved[1].SavedPeerID.(*tg.PeerUser).UserID != bob.Self.ID || saved[0].FwdFrom.SavedFromMsgID != first.ID {
		t.Errorf("%+v", saved)
	}
	checkLists(t, ann, toBob, first, saved)
	checkReading(t, ann, bob, toBob, toAnn)
	checkDifference(t, bob, start)
}

// checkLists looks at what was written in every way there is.
func checkLists(t *testing.T, ann *device, toBob *tg.InputPeerUser, first *tg.Message, saved []*tg.Message) {
	t.Helper()
	ctx := limited(t)
	got, err := ann.API.MessagesGetMessages(ctx, []tg.InputMessageClass{
		&tg.InputMessageID{ID: first.ID}, &tg.InputMessageID{ID: 999}, &tg.InputMessageReplyTo{ID: first.ID + 1}, &tg.InputMessageReplyTo{ID: first.ID},
	})
	must(t, err)
	var ids []int
	for _, m := range got.(*tg.MessagesMessages).Messages {
		ids = append(ids, m.GetID())
	}
	if !slices.Equal(ids, []int{first.ID, 999, first.ID, 0}) {
		t.Errorf("messages %v", ids)
	}
	h, err := ann.API.MessagesGetHistory(ctx, &tg.MessagesGetHistoryRequest{Peer: toBob, Limit: 10})
	must(t, err)
	if m, ok := h.(*tg.MessagesMessages); !ok || len(m.Messages) != 2 || len(m.Users) != 2 {
		t.Errorf("%+v", h)
	}
	h, err = ann.API.MessagesGetHistory(ctx, &tg.MessagesGetHistoryRequest{Peer: toBob, Limit: 1, OffsetID: first.ID + 1})
	must(t, err)
	if m, ok := h.(*tg.MessagesMessagesSlice); !ok || m.Count != 2 || len(m.Messages) != 1 || m.Messages[0].GetID() != first.ID {
		t.Errorf("%+v", h)
	}
	ds, err := ann.API.MessagesGetDialogs(ctx, &tg.MessagesGetDialogsRequest{OffsetPeer: &tg.InputPeerEmpty{}, Limit: 1})
	must(t, err)
	top, ok := ds.(*tg.MessagesDialogsSlice)
	if !ok || top.Count != 2 || top.Dialogs[0].(*tg.Dialog).TopMessage != saved[1].ID {
		t.Fatalf("%+v", ds)
	}
	ds, err = ann.API.MessagesGetDialogs(ctx, &tg.MessagesGetDialogsRequest{OffsetPeer: &tg.InputPeerSelf{}, OffsetID: saved[1].ID, Limit: 9})
	must(t, err)
	if next := ds.(*tg.MessagesDialogsSlice); len(next.Dialogs) != 1 || next.Dialogs[0].(*tg.Dialog).UnreadCount != 1 || len(next.Messages) != 1 {
		t.Errorf("%+v", next)
	}
	p, err := ann.API.MessagesGetPeerDialogs(ctx, []tg.InputDialogPeerClass{&tg.InputDialogPeer{Peer: toBob}})
	must(t, err)
	if len(p.Dialogs) != 1 || p.State.Pts != saved[1].ID || len(p.Users) == 0 {
		t.Errorf("%+v", p)
	}
}

// checkReading reads on one side and asks when on the other.
func checkReading(t *testing.T, ann, bob *device, toBob, toAnn *tg.InputPeerUser) {
	t.Helper()
	ctx := limited(t)
	m := ann.send(toBob, "did you read this?")
	_, err := ann.API.MessagesGetOutboxReadDate(ctx, &tg.MessagesGetOutboxReadDateRequest{Peer: toBob, MsgID: m.ID})
	want(t, err, "MESSAGE_NOT_READ_YET")
	read, err := bob.API.MessagesReadHistory(ctx, &tg.MessagesReadHistoryRequest{Peer: toAnn})
	must(t, err)
	if read.PtsCount != 1 {
		t.Errorf("%+v", read)
	}
	date, err := ann.API.MessagesGetOutboxReadDate(ctx, &tg.MessagesGetOutboxReadDateRequest{Peer: toBob, MsgID: m.ID})
	must(t, err)
	if date.Date < m.Date {
		t.Errorf("sent at %d, read at %d", m.Date, date.Date)
	}
	_, err = ann.API.MessagesMarkDialogUnread(ctx, &tg.MessagesMarkDialogUnreadRequest{Unread: true, Peer: &tg.InputDialogPeer{Peer: toBob}})
	must(t, err)
	marks, err := ann.API.MessagesGetDialogUnreadMarks(ctx, &tg.MessagesGetDialogUnreadMarksRequest{})
	must(t, err)
	if len(marks) != 1 || marks[0].(*tg.DialogPeer).Peer.(*tg.PeerUser).UserID != bob.Self.ID {
		t.Errorf("%v", marks)
	}
}

// checkDifference comes back from an earlier state.
func checkDifference(t *testing.T, bob *device, start *tg.UpdatesState) {
	t.Helper()
	ctx := limited(t)
	now := bob.state()
	got, err := bob.API.UpdatesGetDifference(ctx, &tg.UpdatesGetDifferenceRequest{Pts: start.Pts, Date: start.Date})
	must(t, err)
	if d, ok := got.(*tg.UpdatesDifference); !ok || len(d.NewMessages) != 3 || len(d.OtherUpdates) != 1 || d.State.Pts != now.Pts || len(d.Users) != 2 {
		t.Errorf("%+v", got)
	}
	r := &tg.UpdatesGetDifferenceRequest{Pts: start.Pts, Date: start.Date}
	r.SetPtsLimit(1)
	got, err = bob.API.UpdatesGetDifference(ctx, r)
	must(t, err)
	if d, ok := got.(*tg.UpdatesDifferenceSlice); !ok || len(d.NewMessages) != 1 || d.IntermediateState.Pts != start.Pts+1 {
		t.Errorf("%+v", got)
	}
	r = &tg.UpdatesGetDifferenceRequest{Pts: start.Pts, Date: start.Date}
	r.SetPtsTotalLimit(2)
	got, err = bob.API.UpdatesGetDifference(ctx, r)
	must(t, err)
	if d, ok := got.(*tg.UpdatesDifferenceTooLong); !ok || d.Pts != now.Pts {
		t.Errorf("%+v", got)
	}
	got, err = bob.API.UpdatesGetDifference(ctx, &tg.UpdatesGetDifferenceRequest{Pts: now.Pts, Date: start.Date})
	must(t, err)
	if _, ok := got.(*tg.UpdatesDifferenceEmpty); !ok {
		t.Errorf("%+v", got)
	}
	got, err = bob.API.UpdatesGetDifference(ctx, &tg.UpdatesGetDifferenceRequest{Pts: now.Pts + 100, Date: start.Date})
	must(t, err)
	if d, ok := got.(*tg.UpdatesDifference); !ok || d.State.Pts != now.Pts || len(d.NewMessages)+len(d.OtherUpdates) != 0 {
		t.Errorf("%+v", got)
	}
}
