package handshake

import "testing"

func BenchmarkSteps(b *testing.B) {
	s := newServer(b, &vault{}, nil)
	s.stock = nil
	c := newClient(s)
	if err := c.start(); err != nil {
		b.Fatal(err)
	}
	sealed := c.request(c.inner()).EncryptedData
	p, err := s.group.newPair(systemRand)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("req_pq", func(b *testing.B) {
		for b.Loop() {
			_, _, _ = newPQ(systemRand)
		}
	})
	b.Run("RSA_PAD", func(b *testing.B) {
		for b.Loop() {
			s.key.open(sealed)
		}
	})
	b.Run("g_a", func(b *testing.B) {
		for b.Loop() {
			_, _ = s.group.newPair(systemRand)
		}
	})
	b.Run("g_ab", func(b *testing.B) {
		for b.Loop() {
			s.group.shared(p.public[:], p.exponent[:])
		}
	})
}
