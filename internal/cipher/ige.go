package cipher

import (
	"crypto/aes"
	"crypto/subtle"
)

// AES-256 in infinite garble extension: c[i] = E(p[i] ⊕ c[i-1]) ⊕ p[i-1]. The
// vector is c[-1] ‖ p[-1] (core.telegram.org/mtproto/description).

func encryptPortable(key, iv *[32]byte, data []byte) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the size of the key is fixed
	}
	c, p := [16]byte(iv[:16]), [16]byte(iv[16:])
	for ; len(data) >= blockSize; data = data[blockSize:] {
		b, plain := data[:blockSize], [16]byte(data)
		subtle.XORBytes(b, b, c[:])
		block.Encrypt(b, b)
		subtle.XORBytes(b, b, p[:])
		c, p = [16]byte(b), plain
	}
}

func decryptPortable(key, iv *[32]byte, data []byte) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the size of the key is fixed
	}
	c, p := [16]byte(iv[:16]), [16]byte(iv[16:])
	for ; len(data) >= blockSize; data = data[blockSize:] {
		b, sealed := data[:blockSize], [16]byte(data)
		subtle.XORBytes(b, b, p[:])
		block.Decrypt(b, b)
		subtle.XORBytes(b, b, c[:])
		c, p = sealed, [16]byte(b)
	}
}
