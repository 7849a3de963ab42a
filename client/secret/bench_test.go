package secret

import (
	"bytes"
	"crypto/aes"
	"io"
	"testing"

	"github.com/gotd/ige"
	"github.com/gotd/td/tg/e2e"
)

// kilobyte is a text message whose payload is 1 KiB.
func kilobyte(tb testing.TB) []byte {
	b, err := encode(&e2e.DecryptedMessageLayer{
		RandomBytes: make([]byte, 31), Layer: Layer,
		Message: &e2e.DecryptedMessage{RandomID: 1, Message: string(make([]byte, 952))},
	})
	if err != nil || len(b) != 1024 {
		tb.Fatal(len(b), err)
	}
	return b
}

// BenchmarkSeal encrypts a message of 1 KiB.
func BenchmarkSeal(b *testing.B) {
	key, payload, rnd := newChatKey([256]byte{1}), kilobyte(b), newRand(1)
	b.SetBytes(1024)
	for b.Loop() {
		if _, err := key.seal(Originator, payload, rnd); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen decrypts, checks and decodes a message of 1 KiB.
func BenchmarkOpen(b *testing.B) {
	key := newChatKey([256]byte{1})
	frame, err := key.seal(Originator, kilobyte(b), newRand(1))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(1024)
	for b.Loop() {
		payload, err := key.open(Originator, frame)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := decode(payload); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMessage takes a message of 1 KiB through both machines, without storing
// their states; every 50th is answered, and keys are renewed.
func BenchmarkMessage(b *testing.B) {
	p := newPair(b)
	body := string(make([]byte, 952))
	id := int64(0)
	b.SetBytes(1024)
	for b.Loop() {
		id++
		p.relay(p.a, p.b, p.must(p.a.Send(p.env, text(id, body))))
		if id%50 == 0 {
			p.relay(p.b, p.a, p.must(p.b.Send(p.env, text(id, "answer"))))
		}
		p.seen = p.seen[:0]
	}
}

// BenchmarkState stores and loads a chat with ten messages of 1 KiB on their way.
func BenchmarkState(b *testing.B) {
	p := newPair(b)
	for i := range int64(10) {
		p.must(p.a.Send(p.env, text(i+1, string(make([]byte, 952)))))
	}
	b.Run("store", func(b *testing.B) {
		for b.Loop() {
			if _, err := p.a.State(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("load", func(b *testing.B) {
		state, err := p.a.State()
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := Load(state); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkFile encrypts a file of 4 MiB, beside IGE alone on the same bytes.
func BenchmarkFile(b *testing.B) {
	k, err := NewFileKey(newRand(1))
	if err != nil {
		b.Fatal(err)
	}
	plain := make([]byte, 4<<20)
	b.Run("encrypt", func(b *testing.B) {
		b.SetBytes(int64(len(plain)))
		for b.Loop() {
			if _, err := io.Copy(io.Discard, k.Encrypt(bytes.NewReader(plain), nil)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ige", func(b *testing.B) {
		block, err := aes.NewCipher(k.key[:])
		if err != nil {
			b.Fatal(err)
		}
		out := make([]byte, len(plain))
		b.SetBytes(int64(len(plain)))
		for b.Loop() {
			ige.EncryptBlocks(block, k.iv[:], out, plain)
		}
	})
}

// BenchmarkSetup opens a chat, both sides.
func BenchmarkSetup(b *testing.B) {
	for b.Loop() {
		newPair(b)
	}
}
