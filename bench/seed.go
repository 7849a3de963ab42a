package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"path/filepath"
	"time"

	"github.com/chappe-im/chappe/client/mtproto"
	"github.com/chappe-im/chappe/client/mtproto/rawconn"
	"github.com/chappe-im/chappe/internal/app"
	"github.com/chappe-im/chappe/internal/seal"
	"github.com/chappe-im/chappe/internal/store"
)

// person is an account with one device that is signed in.
type person struct {
	id    int64
	phone string
	key   rawconn.Key
}

const (
	firstAccount = 2_000_000_000
	chunk        = 500
)

// seed puts n people into a server's store, which nobody else has open.
func seed(ctx context.Context, o Options, data string, n int) ([]person, error) {
	box, err := seal.Open(filepath.Join(data, "master.key"))
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, o.DB, data, store.Options{})
	if err != nil {
		return nil, err
	}
	people := make([]person, n)
	first := mathrand.Int64N(90_000_000) // #nosec G404 -- not the people of an earlier run, no secret
	for i := range people {
		var secret [rawconn.KeySize]byte
		rand.Read(secret[:])
		people[i] = person{id: firstAccount + first + int64(i), phone: fmt.Sprintf("888%08d", first+int64(i)), key: rawconn.NewKey(secret)}
	}
	now := time.Now().Unix()
	for done := 0; done < n && err == nil; done += chunk {
		part := people[done:min(done+chunk, n)]
		err = db.Write(ctx, nil, func(tx *store.Tx) error {
			for _, p := range part {
				if err := p.save(tx, box, now); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return people, errors.Join(err, db.Close())
}

func (p person) save(tx *store.Tx, box *seal.Box, now int64) error {
	if err := tx.CreateAccount(store.Account{ID: p.id, Phone: p.phone, FirstName: p.phone, Created: now, Seen: now}); err != nil {
		return err
	}
	if err := tx.ClaimNumber(p.phone, p.id); err != nil {
		return err
	}
	if err := app.SaveAuthKey(tx, box, p.key.Value(), now, 0); err != nil {
		return err
	}
	return tx.SaveDevice(store.Device{Key: p.key.ID(), Account: p.id, Hash: p.key.ID(), Created: now, Active: now})
}

// dial connects a person's device.
func (p person) dial(ctx context.Context, o Options, c *child, onUpdate func([]byte)) (*mtproto.Conn, error) {
	options := mtproto.Options{Addr: c.addr, Key: p.key, OnUpdate: onUpdate, Ping: -1}
	if o.Transport == "ws" {
		options.Addr = "ws://" + c.addr + "/apiws"
	}
	return mtproto.Dial(ctx, options)
}
