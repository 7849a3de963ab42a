package cipher

import "golang.org/x/sys/cpu"

// crypto/aes allocates half a kilobyte for every key, and every packet has a key of
// its own; with the AES instructions the schedule lives on the stack. Processors
// without them (none sold since 2013) and other architectures use crypto/aes.

type roundKeys [15 * blockSize]byte

//go:noescape
func expandKey(key *[32]byte, keys *roundKeys)

//go:noescape
func invertKey(keys *roundKeys)

//go:noescape
func encryptChain(keys *roundKeys, before, after *[16]byte, data *byte, blocks int)

//go:noescape
func decryptChain(keys *roundKeys, before, after *[16]byte, data *byte, blocks int)

var hasAES = cpu.X86.HasAES && cpu.X86.HasSSE41

// EncryptIGE encrypts the whole blocks of data in place; what is left over stays.
// The vector is c[-1] ‖ p[-1] (core.telegram.org/mtproto/description).
func EncryptIGE(key, iv *[32]byte, data []byte) {
	if !hasAES || len(data) < blockSize {
		encryptPortable(key, iv, data)
		return
	}
	var keys roundKeys
	expandKey(key, &keys)
	encryptChain(&keys, (*[16]byte)(iv[:]), (*[16]byte)(iv[16:]), &data[0], len(data)/blockSize)
}

// DecryptIGE decrypts the whole blocks of data in place; what is left over stays.
func DecryptIGE(key, iv *[32]byte, data []byte) {
	if !hasAES || len(data) < blockSize {
		decryptPortable(key, iv, data)
		return
	}
	var keys roundKeys
	expandKey(key, &keys)
	invertKey(&keys)
	decryptChain(&keys, (*[16]byte)(iv[16:]), (*[16]byte)(iv[:]), &data[0], len(data)/blockSize)
}
