package session

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/crypto"

	"github.com/chappe-im/chappe/client/mtproto/rawconn"
)

// TestGotdClient runs A3 and A7 against the envelope of gotd's client, which people will use with
// this server. What it takes against the rules is named: it matters to nobody without the key.
func TestGotdClient(t *testing.T) {
	var value crypto.Key
	_, _ = rand.Read(value[:])
	key := value.WithID()
	p := &peer{Conn: &rawconn.Conn{Key: rawconn.NewKey(value), SessionID: 1}}
	takes := map[string]bool{"no padding": true, "padding of 8": true}
	for name, packet := range refusals(p, rawconn.Server, time.Now()) {
		b := &bin.Buffer{Buf: packet}
		_, err := crypto.NewClientCipher(rand.Reader).DecryptFromBuffer(key, b)
		if (err == nil) != takes[name] {
			t.Errorf("%s: %v", name, err)
		}
	}
}
