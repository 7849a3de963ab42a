package app_test

import (
	"context"
	"testing"

	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/app/apptest"
)

func TestTwoPeopleTalk(t *testing.T) {
	s := apptest.Start(t, nil)
	alice, bob := s.SignUp("Alice"), s.SignUp("Bob")
	toBob := apptest.Befriend(t, alice, bob)
	ctx, cancel := context.WithTimeout(context.Background(), apptest.Wait)
	defer cancel()
	if _, err := bob.API.UpdatesGetState(ctx); err != nil {
		t.Fatal(err)
	}
	got, err := alice.API.MessagesSendMessage(ctx, &tg.MessagesSendMessageRequest{Peer: toBob, Message: "hello", RandomID: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v", got)
	u := apptest.Await[*tg.UpdateNewMessage](bob, nil)
	if m := u.Message.(*tg.Message); m.Message != "hello" {
		t.Errorf("bob read %q", m.Message)
	}
}
