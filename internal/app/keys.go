package app

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chappe-im/chappe/internal/api/account"
	"github.com/chappe-im/chappe/internal/cipher"
	"github.com/chappe-im/chappe/internal/core/login"
	"github.com/chappe-im/chappe/internal/handshake"
	"github.com/chappe-im/chappe/internal/rpc"
	"github.com/chappe-im/chappe/internal/seal"
	"github.com/chappe-im/chappe/internal/session"
	"github.com/chappe-im/chappe/internal/store"
)

const (
	masterKeyFile  = "master.key"
	serverKeyFile  = "server.key"
	serverKeyBlock = "RSA PRIVATE KEY"
	authKeyPurpose = "authorization key"
)

// serverKey reads the server's RSA key, or makes one.
func serverKey(dataDir string) (*rsa.PrivateKey, error) {
	path := filepath.Join(dataDir, serverKeyFile)
	text, err := os.ReadFile(filepath.Clean(path))
	if errors.Is(err, os.ErrNotExist) {
		return newServerKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("server key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != serverKeyBlock {
		return nil, fmt.Errorf("server key: %s is not a PKCS#1 key in PEM", path)
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("server key: %w", err)
	}
	return key, nil
}

// newServerKey makes a key and has it on disk before anybody uses it.
func newServerKey(path string) (*rsa.PrivateKey, error) {
	key, err := handshake.GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("server key: %w", err)
	}
	f, err := os.OpenFile(filepath.Clean(path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("server key: %w", err)
	}
	err = pem.Encode(f, &pem.Block{Type: serverKeyBlock, Bytes: x509.MarshalPKCS1PrivateKey(key)})
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("server key: %w", err)
	}
	return key, nil
}

// PublicKey is what a foreign client needs: the server's public key, PKCS#1 in PEM. The key is made
// if the server has not run yet.
func PublicKey(dataDir string) ([]byte, error) {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	key, err := serverKey(dataDir)
	if err != nil {
		return nil, err
	}
	return handshake.PublicKeyPEM(&key.PublicKey), nil
}

// keys keeps authorization keys in the store, sealed.
type keys struct {
	db    *store.DB
	box   *seal.Box
	now   func() time.Time
	made  func() // counts a new key
	login *login.Service
}

func keyName(id int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(id)) }

// save stores a key that a client has just made.
func (k *keys) save(ctx context.Context, r handshake.Result) error {
	now, expires := k.now().Unix(), int64(0)
	if r.ExpiresIn != 0 {
		expires = now + int64(r.ExpiresIn)
	}
	err := k.db.Write(ctx, nil, func(tx *store.Tx) error { return SaveAuthKey(tx, k.box, r.Key, now, expires) })
	if errors.Is(err, store.ErrCollision) {
		return handshake.ErrCollision
	}
	if err == nil {
		k.made()
	}
	return err
}

// SaveAuthKey stores an authorization key, sealed; expires is 0 for a permanent one. It fails with
// store.ErrCollision if a key of that id exists.
func SaveAuthKey(tx *store.Tx, box *seal.Box, key [cipher.KeySize]byte, now, expires int64) error {
	id := cipher.KeyID(&key)
	return tx.SaveAuthKey(id, box.Seal(authKeyPurpose, keyName(id), key[:]), now, expires)
}

// open unseals a stored key.
func (k *keys) open(row store.AuthKey) (cipher.Key, error) {
	plain, err := k.box.Open(authKeyPurpose, keyName(row.ID), row.Sealed)
	if err != nil || len(plain) != cipher.KeySize {
		return cipher.Key{}, fmt.Errorf("authorization key %x does not unseal: %w", row.ID, err)
	}
	return cipher.NewKey([cipher.KeySize]byte(plain)), nil
}

// AuthKey implements session.Keys.
func (k *keys) AuthKey(ctx context.Context, id int64) (out session.Key, err error) {
	var row store.AuthKey
	err = k.db.Read(ctx, func(tx *store.Tx) error {
		if row, err = tx.AuthKey(id); err != nil {
			return err
		}
		permanent := row.ID
		if row.Expires != 0 {
			permanent = row.Perm
		}
		out = session.Key{Expires: row.Expires, Permanent: row.Perm}
		if permanent == 0 {
			return nil
		}
		device, err := tx.Device(permanent)
		if errors.Is(err, store.ErrNoRows) {
			return nil
		}
		out.Account, out.Layer = device.Account, device.Layer
		return err
	})
	if errors.Is(err, store.ErrNoRows) {
		return session.Key{}, session.ErrNoKey
	}
	if err != nil {
		return session.Key{}, err
	}
	out.Key, err = k.open(row)
	return out, err
}

// key is a stored key by id, for binding temporary keys.
func (k *keys) key(ctx context.Context, id int64) (cipher.Key, bool, error) {
	stored, err := k.AuthKey(ctx, id)
	if errors.Is(err, session.ErrNoKey) {
		return cipher.Key{}, false, nil
	}
	return stored.Key, err == nil, err
}

// DestroyKey implements session.Keys. A device that is still signed in is signed out first.
func (k *keys) DestroyKey(ctx context.Context, id int64) (had bool, err error) {
	stored, err := k.AuthKey(ctx, id)
	if errors.Is(err, session.ErrNoKey) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if stored.Account != 0 && stored.Expires == 0 {
		if err := k.login.SignOut(ctx, login.Client{Key: id, Account: stored.Account}); err != nil {
			return false, err
		}
	}
	return true, k.db.Write(ctx, nil, func(tx *store.Tx) error { return tx.DeleteAuthKey(id) })
}

// Seen implements session.Keys.
func (k *keys) Seen(ctx context.Context, c rpc.Caller) error {
	return k.login.Seen(ctx, account.Client(&c))
}
