package secret_test

import (
	"crypto/rand"
	"fmt"
	"log"
	"time"

	"github.com/gotd/td/tg/e2e"

	"github.com/chappe-im/chappe/client/secret"
)

// prime is what messages.getDhConfig answers with.
var prime = []byte("" +
	"\xc7\x1c\xae\xb9\xc6\xb1\xc9\x04\x8e\x6c\x52\x2f\x70\xf1\x3f\x73\x98\x0d\x40\x23\x8e\x3e\x21\xc1\x49\x34\xd0\x37\x56\x3d\x93\x0f" +
	"\x48\x19\x8a\x0a\xa7\xc1\x40\x58\x22\x94\x93\xd2\x25\x30\xf4\xdb\xfa\x33\x6f\x6e\x0a\xc9\x25\x13\x95\x43\xae\xd4\x4c\xce\x7c\x37" +
	"\x20\xfd\x51\xf6\x94\x58\x70\x5a\xc6\x8c\xd4\xfe\x6b\x6b\x13\xab\xdc\x97\x46\x51\x29\x69\x32\x84\x54\xf1\x8f\xaf\x8c\x59\x5f\x64" +
	"\x24\x77\xfe\x96\xbb\x2a\x94\x1d\x5b\xcd\x1d\x4a\xc8\xcc\x49\x88\x07\x08\xfa\x9b\x37\x8e\x3c\x4f\x3a\x90\x60\xbe\xe6\x7c\xf9\xa4" +
	"\xa4\xa6\x95\x81\x10\x51\x90\x7e\x16\x27\x53\xb5\x6b\x0f\x6b\x41\x0d\xba\x74\xd8\xa8\x4b\x2a\x14\xb3\x14\x4e\x0e\xf1\x28\x47\x54" +
	"\xfd\x17\xed\x95\x0d\x59\x65\xb4\xb9\xdd\x46\x58\x2d\xb1\x17\x8d\x16\x9c\x6b\xc4\x65\xb0\xd6\xff\x9c\xa3\x92\x8f\xef\x5b\x9a\xe4" +
	"\xe4\x18\xfc\x15\xe8\x3e\xbe\xa0\xf8\x7f\xa9\xff\x5e\xed\x70\x05\x0d\xed\x28\x49\xf4\x7b\xf9\x59\xd9\x56\x85\x0c\xe9\x29\x85\x1f" +
	"\x0d\x81\x15\xf6\x35\xb1\x05\xee\x2e\x4e\x15\xd0\x4b\x24\x54\xbf\x6f\x4f\xad\xf0\x34\xb1\x04\x03\x11\x9c\xd8\xe3\xb9\x2f\xcc\x5b")

// A chat from the request to the first message. The comments name what a client
// does between the calls.
func Example() {
	env := secret.Env{Now: time.Now(), Rand: rand.Reader}
	group, err := secret.NewGroup(3, prime) // messages.getDhConfig
	if err != nil {
		log.Fatal(err)
	}
	alice, err := secret.Request(env, group, nil)
	if err != nil {
		log.Fatal(err)
	}
	// Alice stores alice.State() and sends messages.requestEncryption with
	// alice.Share(); Bob gets encryptedChatRequested.
	bob, err := secret.Accept(env, group, nil, alice.Share())
	if err != nil {
		log.Fatal(err)
	}
	// Bob stores bob.State() and sends messages.acceptEncryption with bob.Share()
	// and bob.Fingerprint(); both get encryptedChat.
	share := bob.Share()
	for _, chat := range []*secret.Chat{bob, alice} {
		if _, err := chat.Confirm(env, share, bob.Fingerprint()); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("same picture:", alice.Picture() == bob.Picture())

	if _, err := alice.Send(env, secret.Outgoing{
		Message: &e2e.DecryptedMessage{RandomID: 4711, TTL: alice.TTL(), Message: "Hello, Bob"},
	}); err != nil {
		log.Fatal(err)
	}
	// Alice stores her state again, then sends what is pending.
	for _, frame := range alice.Pending() {
		res, err := bob.Receive(env, secret.Incoming{Data: frame.Data, Date: int32(env.Now.Unix())})
		if err != nil {
			log.Fatal(err)
		}
		alice.Sent(frame.RandomID, int32(env.Now.Unix()), nil)
		// Bob stores bob.State() and the events, sends res.Send and res.Resent, and
		// acknowledges the frame to the server.
		for _, e := range res.Events {
			if e.Message != nil {
				fmt.Println(e.Message.Message)
			}
		}
	}
	// Output:
	// same picture: true
	// Hello, Bob
}
