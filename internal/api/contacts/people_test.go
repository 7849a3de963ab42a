package contacts_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/app/apptest"
)

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

// see is a person as a client sees them.
func see(t *testing.T, c *apptest.Client, in tg.InputUserClass) *tg.User {
	t.Helper()
	users, err := c.API.UsersGetUsers(limited(t), []tg.InputUserClass{in})
	must(t, err)
	if len(users) != 1 {
		t.Fatalf("%d people", len(users))
	}
	return users[0].(*tg.User)
}

func TestStrangers(t *testing.T) {
	s := apptest.Start(t, nil)
	ann, bob := s.SignUp("Ann"), s.SignUp("Bob")
	ctx := limited(t)
	for _, hash := range []int64{0, 1, bob.Self.AccessHash} { // none, wrong, and bob's own of himself
		in := &tg.InputUser{UserID: bob.Self.ID, AccessHash: hash}
		if users, err := ann.API.UsersGetUsers(ctx, []tg.InputUserClass{in}); err != nil || len(users) != 0 {
			t.Errorf("%v, %v", users, err)
		}
		_, err := ann.API.UsersGetFullUser(ctx, in)
		want(t, err, "USER_ID_INVALID")
		_, err = ann.API.ContactsAddContact(ctx, &tg.ContactsAddContactRequest{ID: in, FirstName: "x"})
		want(t, err, "CONTACT_ID_INVALID")
		_, err = ann.API.ContactsDeleteContacts(ctx, []tg.InputUserClass{in})
		want(t, err, "USER_ID_INVALID")
		_, err = ann.API.ContactsBlock(ctx, &tg.ContactsBlockRequest{ID: &tg.InputPeerUser{UserID: bob.Self.ID, AccessHash: hash}})
		want(t, err, "PEER_ID_INVALID")
		_, err = ann.API.MessagesGetHistory(ctx, &tg.MessagesGetHistoryRequest{Peer: &tg.InputPeerUser{UserID: bob.Self.ID, AccessHash: hash}})
		want(t, err, "PEER_ID_INVALID")
	}
	_, err := ann.API.ContactsResolveUsername(ctx, &tg.ContactsResolveUsernameRequest{Username: "nobody_here"})
	want(t, err, "USERNAME_NOT_OCCUPIED")
	_, err = ann.API.ContactsResolvePhone(ctx, "88800000000")
	want(t, err, "PHONE_NOT_OCCUPIED")
	_, err = ann.API.ContactsSearch(ctx, &tg.ContactsSearchRequest{Q: "ab", Limit: 10})
	want(t, err, "QUERY_TOO_SHORT")
	if me := see(t, ann, &tg.InputUserSelf{}); !me.Self || me.Phone != ann.Self.Phone {
		t.Errorf("%+v", me)
	}
	if system := see(t, ann, &tg.InputUser{UserID: 777000}); !system.Verified || system.Phone != "" {
		t.Errorf("%+v", system)
	}
}

func TestContacts(t *testing.T) {
	s := apptest.Start(t, nil)
	ann, bob := s.SignUp("Ann"), s.SignUp("Bob")
	p, q := apptest.Befriend(t, ann, bob), apptest.Befriend(t, bob, ann)
	toBob := &tg.InputUser{UserID: p.UserID, AccessHash: p.AccessHash}
	toAnn := &tg.InputUser{UserID: q.UserID, AccessHash: q.AccessHash}
	ctx := limited(t)
	if v := see(t, ann, toBob); v.Phone != "" || v.Contact || v.FirstName != "Bob" || v.Username != bob.Self.Username {
		t.Errorf("ann sees %+v", v)
	}
	bar, err := ann.API.MessagesGetPeerSettings(ctx, p)
	must(t, err)
	if !bar.Settings.AddContact || !bar.Settings.BlockContact {
		t.Errorf("%+v", bar.Settings)
	}
	u, err := ann.API.ContactsAddContact(ctx, &tg.ContactsAddContactRequest{ID: toBob, FirstName: "Robert", LastName: "B"})
	must(t, err)
	if v := u.(*tg.Updates).Users[0].(*tg.User); v.FirstName != "Robert" || !v.Contact || v.MutualContact {
		t.Errorf("%+v", v)
	}
	if v := see(t, bob, toAnn); v.Phone != ann.Self.Phone || v.Contact {
		t.Errorf("bob sees %+v", v) // who is in the book sees the number of whose it is
	}
	if v := see(t, ann, toBob); v.Phone != "" {
		t.Errorf("ann sees %+v", v)
	}
	imported, err := bob.API.ContactsImportContacts(ctx, []tg.InputPhoneContact{
		{ClientID: 7, Phone: "+" + ann.Self.Phone, FirstName: "Annie"}, {ClientID: 8, Phone: "+88800000000", FirstName: "Nobody"},
	})
	must(t, err)
	if len(imported.Imported) != 1 || imported.Imported[0].ClientID != 7 || imported.Users[0].(*tg.User).FirstName != "Annie" {
		t.Errorf("%+v", imported)
	}
	list, err := ann.API.ContactsGetContacts(ctx, 0)
	must(t, err)
	book := list.(*tg.ContactsContacts)
	if len(book.Contacts) != 1 || !book.Contacts[0].Mutual || book.Users[0].(*tg.User).Phone != bob.Self.Phone {
		t.Errorf("%+v", book)
	}
	found, err := ann.API.ContactsSearch(ctx, &tg.ContactsSearchRequest{Q: "Robe", Limit: 10})
	must(t, err)
	if len(found.MyResults) != 1 || len(found.Results) != 0 || len(found.Users) != 1 {
		t.Errorf("%+v", found)
	}
	by, err := ann.API.ContactsResolvePhone(ctx, "+"+bob.Self.Phone)
	must(t, err)
	if by.Peer.(*tg.PeerUser).UserID != bob.Self.ID {
		t.Errorf("%+v", by)
	}
	_, err = ann.API.ContactsDeleteContacts(ctx, []tg.InputUserClass{toBob})
	must(t, err)
	if v := see(t, ann, toBob); v.Contact || v.FirstName != "Bob" || v.Phone == "" {
		t.Errorf("ann sees %+v", v)
	}
	ok, err := bob.API.ContactsDeleteByPhones(ctx, []string{ann.Self.Phone})
	must(t, err)
	if v := see(t, bob, toAnn); !ok || v.Contact || v.Phone != "" {
		t.Errorf("bob sees %+v", v)
	}
}

func TestPresenceAndBlocking(t *testing.T) {
	s := apptest.Start(t, nil)
	ann, bob := s.SignUp("Ann"), s.SignUp("Bob")
	p, q := apptest.Befriend(t, ann, bob), apptest.Befriend(t, bob, ann)
	toAnn := &tg.InputUser{UserID: q.UserID, AccessHash: q.AccessHash}
	ctx := limited(t)
	_, err := bob.API.ContactsAddContact(ctx, &tg.ContactsAddContactRequest{ID: toAnn, FirstName: "Ann"})
	must(t, err)
	_, err = ann.API.AccountUpdateStatus(ctx, false)
	must(t, err)
	online := apptest.Await[*tg.UpdateUserStatus](bob, nil)
	if _, ok := online.Status.(*tg.UserStatusOnline); !ok || online.UserID != ann.Self.ID {
		t.Errorf("%+v", online)
	}
	statuses, err := bob.API.ContactsGetStatuses(ctx)
	must(t, err)
	if _, ok := statuses[0].Status.(*tg.UserStatusOnline); len(statuses) != 1 || !ok {
		t.Errorf("%+v", statuses)
	}
	_, err = ann.API.AccountUpdateStatus(ctx, true)
	must(t, err)
	apptest.Await(bob, func(u *tg.UpdateUserStatus) bool {
		_, off := u.Status.(*tg.UserStatusOffline)
		return off
	})

	_, err = ann.API.ContactsBlock(ctx, &tg.ContactsBlockRequest{ID: p})
	must(t, err)
	_, err = ann.API.MessagesSendMessage(ctx, &tg.MessagesSendMessageRequest{Peer: p, Message: "x", RandomID: 5})
	want(t, err, "YOU_BLOCKED_USER")
	_, err = ann.API.AccountUpdateStatus(ctx, false)
	must(t, err)
	if v := see(t, bob, toAnn); v.Phone != "" {
		t.Errorf("bob sees %+v", v)
	} else if _, hidden := v.Status.(*tg.UserStatusEmpty); !hidden {
		t.Errorf("bob sees that ann is %+v", v.Status)
	}
	blocked, err := ann.API.ContactsGetBlocked(ctx, &tg.ContactsGetBlockedRequest{Limit: 10})
	must(t, err)
	if list, ok := blocked.(*tg.ContactsBlocked); !ok || len(list.Blocked) != 1 || len(list.Users) != 1 {
		t.Errorf("%+v", blocked)
	}
	full, err := ann.API.UsersGetFullUser(ctx, &tg.InputUser{UserID: p.UserID, AccessHash: p.AccessHash})
	must(t, err)
	if !full.FullUser.Blocked {
		t.Errorf("%+v", full.FullUser)
	}
	full, err = bob.API.UsersGetFullUser(ctx, toAnn)
	must(t, err)
	if full.FullUser.Blocked {
		t.Errorf("bob learns of it by %+v", full.FullUser)
	}
	_, err = ann.API.ContactsUnblock(ctx, &tg.ContactsUnblockRequest{ID: p})
	must(t, err)
	if _, online := see(t, bob, toAnn).Status.(*tg.UserStatusOnline); !online {
		t.Error("bob does not see that ann is online")
	}
}

func TestRenamedAndGone(t *testing.T) {
	s := apptest.Start(t, nil)
	ann, bob := s.SignUp("Ann"), s.SignUp("Bob")
	q := apptest.Befriend(t, bob, ann)
	toAnn := &tg.InputUser{UserID: q.UserID, AccessHash: q.AccessHash}
	ctx := limited(t)
	_, err := bob.API.ContactsAddContact(ctx, &tg.ContactsAddContactRequest{ID: toAnn, FirstName: "Annie"})
	must(t, err)
	_, err = ann.API.AccountUpdateUsername(ctx, "ann_lee")
	must(t, err)
	told := apptest.Await[*tg.UpdateUserName](bob, nil)
	if told.FirstName != "Annie" || len(told.Usernames) != 1 || told.Usernames[0].Username != "ann_lee" {
		t.Errorf("%+v", told) // the name that bob gave her stays
	}
	_, err = ann.API.AccountDeleteAccount(ctx, &tg.AccountDeleteAccountRequest{})
	must(t, err)
	if v := see(t, bob, toAnn); !v.Deleted || v.FirstName != "" || v.Username != "" || v.Contact {
		t.Errorf("bob sees %+v", v)
	}
	_, err = bob.API.MessagesSendMessage(ctx, &tg.MessagesSendMessageRequest{Peer: q, Message: "x", RandomID: 5})
	want(t, err, "INPUT_USER_DEACTIVATED")
}
