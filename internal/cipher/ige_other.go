//go:build !amd64

package cipher

// encryptIGE encrypts the whole blocks of data in place.
func encryptIGE(key, iv *[32]byte, data []byte) { encryptPortable(key, iv, data) }

// decryptIGE decrypts the whole blocks of data in place.
func decryptIGE(key, iv *[32]byte, data []byte) { decryptPortable(key, iv, data) }
