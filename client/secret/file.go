package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5" // #nosec G501 -- the protocol names files by it; nothing rests on its strength
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/gotd/ige"
)

// fileChunk is how much of a file is read and crypted at once, in bytes.
const fileChunk = 64 << 10

var (
	errFileKey = errors.New("key and vector of a file are 32 bytes each")
	errFile    = errors.New("file is not the one that the message names")
)

// FileKey is the key and vector of one encrypted file. It prints as its
// fingerprint.
//
// See https://core.telegram.org/api/end-to-end#sending-encrypted-files.
type FileKey struct{ key, iv [32]byte }

// NewFileKey draws the key of a new file. It fails only when rnd fails.
func NewFileKey(rnd io.Reader) (FileKey, error) {
	var b [64]byte
	if _, err := io.ReadFull(rnd, b[:]); err != nil {
		return FileKey{}, fmt.Errorf("draw file key: %w", err)
	}
	return ParseFileKey(b[:32], b[32:])
}

// ParseFileKey returns the key of a message's media, 32 bytes and 32 bytes.
func ParseFileKey(key, iv []byte) (FileKey, error) {
	if len(key) != 32 || len(iv) != 32 {
		return FileKey{}, errFileKey
	}
	return FileKey{key: [32]byte(key), iv: [32]byte(iv)}, nil
}

// Bytes returns key and vector, to go into the media of a message.
func (k FileKey) Bytes() (key, iv []byte) { return k.key[:], k.iv[:] }

// Fingerprint returns key_fingerprint of the uploaded file.
func (k FileKey) Fingerprint() int32 {
	sum := md5.Sum(append(append(make([]byte, 0, 64), k.key[:]...), k.iv[:]...))
	le := binary.LittleEndian
	return int32(le.Uint32(sum[:]) ^ le.Uint32(sum[4:]))
}

// Check compares the fingerprint with that of the server's encryptedFile.
func (k FileKey) Check(fingerprint int32) error {
	if k.Fingerprint() != fingerprint {
		return errFile
	}
	return nil
}

// Format prints the fingerprint and never the key.
func (k FileKey) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "file key(%08x)", uint32(k.Fingerprint()))
}

// LogValue keeps the key out of logs.
func (k FileKey) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(k)) }

// EncryptedSize returns the length of the ciphertext of a file, in bytes.
func EncryptedSize(size int64) int64 { return size + -size&(aes.BlockSize-1) }

// Encrypt returns a reader of the ciphertext of src: one stream over the whole
// file, however it is cut into parts, its last block filled from rnd.
func (k FileKey) Encrypt(src io.Reader, rnd io.Reader) io.Reader {
	return &fileReader{src: src, rnd: rnd, stream: k.stream(false), left: -1}
}

// Decrypt returns a reader of the first size bytes of the file whose ciphertext
// is src. It fails with [io.ErrUnexpectedEOF] if src ends before. A file carries
// no authentication: whoever stored it could have changed it, so what is read
// here is as hostile as any download.
func (k FileKey) Decrypt(src io.Reader, size int64) io.Reader {
	return &fileReader{src: src, stream: k.stream(true), left: max(size, 0)}
}

// fileStream is AES-256-IGE that continues from call to call.
type fileStream struct {
	block   cipher.Block
	iv      [32]byte
	decrypt bool
}

func (k FileKey) stream(decrypt bool) fileStream {
	return fileStream{block: cipherOf(k.key[:]), iv: k.iv, decrypt: decrypt}
}

// crypt fills dst from src: whole blocks of equal length, at least one.
func (s *fileStream) crypt(dst, src []byte) {
	sealed, plain := dst, src
	if s.decrypt {
		sealed, plain = src, dst
		ige.DecryptBlocks(s.block, s.iv[:], dst, src)
	} else {
		ige.EncryptBlocks(s.block, s.iv[:], dst, src)
	}
	copy(s.iv[:16], sealed[len(sealed)-aes.BlockSize:])
	copy(s.iv[16:], plain[len(plain)-aes.BlockSize:])
}

// fileReader crypts what it reads.
type fileReader struct {
	src, rnd io.Reader
	stream   fileStream
	left     int64 // bytes still to come out; negative: until src ends
	in, out  []byte
	ready    []byte // part of out that was not read yet
	err      error
}

// Read implements io.Reader.
func (r *fileReader) Read(p []byte) (int, error) {
	for len(r.ready) == 0 && r.err == nil {
		r.err = r.fill()
	}
	if len(r.ready) == 0 {
		return 0, r.err
	}
	n := copy(p, r.ready)
	r.ready = r.ready[n:]
	return n, nil
}

// fill crypts the next chunk.
func (r *fileReader) fill() error {
	if r.left == 0 {
		return io.EOF
	}
	if r.in == nil {
		r.in, r.out = make([]byte, fileChunk), make([]byte, fileChunk)
	}
	want := fileChunk
	if r.left > 0 {
		want = int(min(EncryptedSize(r.left), fileChunk))
	}
	n, err := io.ReadFull(r.src, r.in[:want])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return fmt.Errorf("read file: %w", err)
	}
	if r.left > 0 && n < want {
		return io.ErrUnexpectedEOF
	}
	if n == 0 {
		return io.EOF
	}
	size := int(EncryptedSize(int64(n)))
	if _, err := io.ReadFull(r.rnd, r.in[n:size]); size > n && err != nil {
		return fmt.Errorf("draw tail of file: %w", err)
	}
	r.stream.crypt(r.out[:size], r.in[:size])
	r.ready = r.out[:size]
	if r.left > 0 {
		r.ready = r.ready[:min(int64(size), r.left)]
		r.left -= int64(len(r.ready))
	}
	return nil
}

func cipherOf(key []byte) cipher.Block {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // a key of 32 bytes is never refused
	}
	return block
}
