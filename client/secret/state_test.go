package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gotd/td/tg/e2e"
)

// TestLoadRefuses changes one thing at a time in a good state.
func TestLoadRefuses(t *testing.T) {
	p := newPair(t)
	p.must(p.a.Send(p.env, text(1, "stored")))
	p.must(p.b.Send(p.env, text(1, "x")))
	late := p.must(p.b.Send(p.env, text(2, "queued")))
	p.must(p.a.Receive(p.env, Incoming{Data: late.Send[0].Data}))
	good, err := p.a.State()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []string{"", "{}", "null", "[]", string(good) + " ", " " + string(good),
		strings.Replace(string(good), `"Role":0`, `"Role":0,"Extra":1`, 1)} {
		if _, err := Load([]byte(b)); err == nil {
			t.Errorf("loads %.60q", b)
		}
	}
	for name, spoil := range map[string]func(*state){
		"version":       func(s *state) { s.Version++ },
		"role":          func(s *state) { s.Role = 2 },
		"phase":         func(s *state) { s.Phase = 9 },
		"exchange":      func(s *state) { s.Exchange = 9 },
		"numbers":       func(s *state) { s.In = -1 },
		"peer has":      func(s *state) { s.PeerHas = s.Out + 1 },
		"switch":        func(s *state) { s.Switch = s.Out + 1 },
		"ttl":           func(s *state) { s.TTL = -1 },
		"closed":        func(s *state) { s.Phase = Closed },
		"no group":      func(s *state) { s.P = nil },
		"bad generator": func(s *state) { s.G = 2 },
		"no key":        func(s *state) { s.Key = nil },
		"no secret":     func(s *state) { s.Exchange = exchangeRequested },
		"no other key":  func(s *state) { s.Forget = true },
		"stored":        func(s *state) { s.Stored[0].Seq = s.Out },
		"order":         func(s *state) { s.Stored = append(s.Stored, s.Stored[0]) },
		"queue":         func(s *state) { s.Queue[0].Seq = s.In },
		"queued number": func(s *state) { s.Queue[0].Seq++ },
		"queued":        func(s *state) { s.Queue[0].Payload = []byte{1} },
	} {
		c := reload(t, p.a)
		spoil(&c.s)
		b, err := c.State()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Load(b); !errors.Is(err, errState) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, key := range []string{`"Key":"00"`, `"Key":"` + strings.Repeat("zz", 256) + `"`, `"Key":12`} {
		i := bytes.Index(good, []byte(`"Key":"`))
		b := string(good[:i]) + key + string(good[i+len(`"Key":""`)+512:])
		if _, err := Load([]byte(b)); err == nil {
			t.Errorf("loads %.20s", key)
		}
	}
}

// TestRedacted prints secrets in every way and finds none.
func TestRedacted(t *testing.T) {
	p := newPair(t)
	key, err := NewFileKey(newRand(9))
	if err != nil {
		t.Fatal(err)
	}
	a := &exponent{1, 2, 3}
	var log bytes.Buffer
	for _, v := range []any{p.a, *p.a.s.Key, p.a.s.Key, key, &key, a, *a} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			fmt.Fprintf(&log, verb, v)
		}
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
	}
	if b, err := json.Marshal([]any{p.a}); err != nil || string(b) != "[{}]" {
		t.Errorf("encodes as %s, %v", b, err)
	}
	for _, secret := range [][]byte{p.a.s.Key.value[:8], key.key[:8], key.iv[:8], a[:8]} {
		decimal := strings.Trim(fmt.Sprint(secret), "[]")
		for _, s := range []string{string(secret), fmt.Sprintf("%x", secret), decimal, strings.ReplaceAll(decimal, " ", ",")} {
			if strings.Contains(log.String(), s) {
				t.Errorf("prints %q", s)
			}
		}
	}
}

// TestLayers sends to a peer who knows less and less.
func TestLayers(t *testing.T) {
	m := &e2e.DecryptedMessage{
		RandomID: 1, Media: &e2e.DecryptedMessageMediaDocument{Size: 5},
		Entities: []e2e.MessageEntityClass{
			&e2e.MessageEntityBold{}, &e2e.MessageEntityUnderline{}, &e2e.MessageEntityStrike{},
			&e2e.MessageEntityBlockquote{}, &e2e.MessageEntitySpoiler{}, &e2e.MessageEntityCustomEmoji{},
		},
	}
	for layer, want := range map[int]int{73: 1, 100: 1, 101: 4, 142: 4, 143: 4, 144: 6} {
		got, err := fit(*m, layer)
		if err != nil {
			t.Fatal(err)
		}
		_, small := got.Media.(*e2e.DecryptedMessageMediaDocument46)
		if len(got.Entities) != want || small != (layer < bigFileLayer) {
			t.Errorf("layer %d: %d entities, small file %v", layer, len(got.Entities), small)
		}
	}
	p := newFastPair(t)
	p.relay(p.a, p.b, p.must(p.a.Send(p.env, Outgoing{Message: m})))
	if e := p.seen[len(p.seen)-1].Message; len(e.Entities) != 1 || e.Media.(*e2e.DecryptedMessageMediaDocument).Size != 5 {
		t.Errorf("arrives as %v", e)
	}
	big := Outgoing{Message: &e2e.DecryptedMessage{RandomID: 2, Media: &e2e.DecryptedMessageMediaDocument{Size: 1 << 32}}}
	if _, err := p.a.Send(p.env, big); !errors.Is(err, errFileSize) {
		t.Errorf("file of 4 GiB at layer 73: %v", err)
	}
	p.a.s.Layer = 200
	if p.a.Layer() != Layer {
		t.Errorf("layer %d", p.a.Layer())
	}
	p.must(p.a.Send(p.env, big))
}

// TestUpgradeOfProgram loads a chat of a program that spoke an older layer.
func TestUpgradeOfProgram(t *testing.T) {
	p := newPair(t)
	p.a.s.Told = 101
	p.relay(p.a, p.b, p.must(p.a.Tick(p.env)))
	a, ok := p.seen[len(p.seen)-1].Action.(*e2e.DecryptedMessageActionNotifyLayer)
	if !ok || a.Layer != Layer {
		t.Errorf("peer hears %+v", p.seen[len(p.seen)-1])
	}
}

// TestOldMessages takes the messages of older layers in the newest form.
func TestOldMessages(t *testing.T) {
	p := newFastPair(t)
	for _, m := range []e2e.DecryptedMessageClass{
		&e2e.DecryptedMessage8{RandomID: 1, Message: "x", Media: &e2e.DecryptedMessageMediaEmpty{}},
		&e2e.DecryptedMessage23{RandomID: 1, TTL: 3, Message: "x", Media: &e2e.DecryptedMessageMediaEmpty{}},
		&e2e.DecryptedMessage46{RandomID: 1, TTL: 3, Message: "x", ReplyToRandomID: 4},
		&e2e.DecryptedMessageService8{RandomID: 1, Action: &e2e.DecryptedMessageActionNoop{}},
	} {
		res := p.must(p.b.step(p.env, func(r *run) error { return r.send(m, Frame{RandomID: 1}) }))
		p.relay(p.b, p.a, res)
		e := p.seen[len(p.seen)-1]
		if e.RandomID != 1 || (e.Message == nil) == (e.Action == nil) || e.Message != nil && e.Message.Message != "x" {
			t.Errorf("%s arrives as %+v", m.TypeName(), e)
		}
	}
}

func TestFileErrors(t *testing.T) {
	failing := iotest.ErrReader(errors.New("broken"))
	if _, err := NewFileKey(failing); err == nil {
		t.Error("key without randomness")
	}
	k, err := NewFileKey(newRand(1))
	if err != nil {
		t.Fatal(err)
	}
	key, iv := k.Bytes()
	if same, err := ParseFileKey(key, iv); err != nil || same != k || k.Check(same.Fingerprint()) != nil {
		t.Errorf("key comes back as %v, %v", same, err)
	}
	for name, r := range map[string]io.Reader{
		"source":        k.Encrypt(failing, newRand(1)),
		"randomness":    k.Encrypt(strings.NewReader("abc"), failing),
		"sealed source": k.Decrypt(failing, 5),
		"cut":           k.Decrypt(bytes.NewReader(make([]byte, 1600)), 1601),
		"cut in block":  k.Decrypt(bytes.NewReader(make([]byte, 15)), 1),
	} {
		if _, err := io.ReadAll(r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, size := range []int{0, 1, 16, fileChunk - 1, fileChunk, fileChunk + 1, 3 * fileChunk} {
		plain := expand([]byte{1}, size)
		sealed, err := io.ReadAll(iotest.OneByteReader(k.Encrypt(iotest.HalfReader(bytes.NewReader(plain)), newRand(1))))
		if err != nil || int64(len(sealed)) != EncryptedSize(int64(size)) {
			t.Fatalf("size %d: %d bytes, %v", size, len(sealed), err)
		}
		got, err := io.ReadAll(k.Decrypt(bytes.NewReader(append(sealed, "behind"...)), int64(size)))
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("size %d: %d bytes come back, %v", size, len(got), err)
		}
	}
}
