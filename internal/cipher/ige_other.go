//go:build !amd64

package cipher

// EncryptIGE encrypts the whole blocks of data in place; what is left over stays.
// The vector is c[-1] ‖ p[-1] (core.telegram.org/mtproto/description).
func EncryptIGE(key, iv *[32]byte, data []byte) { encryptPortable(key, iv, data) }

// DecryptIGE decrypts the whole blocks of data in place; what is left over stays.
func DecryptIGE(key, iv *[32]byte, data []byte) { decryptPortable(key, iv, data) }
