package wire

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"math/bits"
	"sync"
	"time"
)

// keystream is AES-256-CTR that forgets its expanded key, half a kilobyte, while it is not used.
// Most connections are silent most of the time, and expanding the key again is cheap beside the
// system call that comes with it.
type keystream struct {
	hot *hotList

	mu     sync.Mutex
	key    [32]byte
	iv     [aes.BlockSize]byte
	off    uint64        // bytes of the stream used so far
	stream cipher.Stream // nil while forgotten
	used   bool          // since the last sweep
}

// init takes 32 bytes of key and 16 of initialization vector.
func (k *keystream) init(keyIV []byte, hot *hotList) {
	k.hot = hot
	copy(k.key[:], keyIV)
	copy(k.iv[:], keyIV[len(k.key):])
}

// xor encrypts or decrypts the next bytes of the stream in place.
func (k *keystream) xor(p []byte) {
	k.mu.Lock()
	woken := k.stream == nil
	if woken {
		k.wake()
	}
	k.stream.XORKeyStream(p, p)
	k.off += uint64(len(p))
	k.used = true
	k.mu.Unlock()
	if woken {
		k.hot.add(k)
	}
}

// wake expands the key for position off of the stream.
func (k *keystream) wake() {
	block, err := aes.NewCipher(k.key[:])
	if err != nil {
		panic("wire: AES refuses a key of 32 bytes: " + err.Error())
	}
	var ctr, skip [aes.BlockSize]byte
	lo, carry := bits.Add64(binary.BigEndian.Uint64(k.iv[8:]), k.off/aes.BlockSize, 0)
	binary.BigEndian.PutUint64(ctr[8:], lo)
	binary.BigEndian.PutUint64(ctr[:], binary.BigEndian.Uint64(k.iv[:])+carry)
	k.stream = cipher.NewCTR(block, ctr[:])
	k.stream.XORKeyStream(skip[:k.off%aes.BlockSize], skip[:k.off%aes.BlockSize])
}

// forget drops the expanded key if it was not used since the last call, and reports whether it did.
func (k *keystream) forget() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.used {
		k.used = false
		return false
	}
	k.stream = nil
	return true
}

// hotList holds the keystreams whose key is expanded.
type hotList struct {
	mu  sync.Mutex
	all []*keystream
}

func (h *hotList) add(k *keystream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, k)
}

// sweep forgets the keys that were not used since the last sweep. It locks keystreams one by one
// and never inside its own lock.
func (h *hotList) sweep() {
	h.mu.Lock()
	all := h.all
	h.all = nil
	h.mu.Unlock()
	kept := all[:0]
	for _, k := range all {
		if !k.forget() {
			kept = append(kept, k)
		}
	}
	clear(all[len(kept):])
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(kept, h.all...)
}

// sweepEvery is how long a key stays expanded at least.
const sweepEvery = time.Second

// run sweeps until ctx ends.
func (h *hotList) run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			h.sweep()
		case <-ctx.Done():
			return
		}
	}
}
