// Package client is the floor of programs that use a Chappe server, or another one
// that speaks its protocol, as people do. Its connection is package mtproto.
package client

import (
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/gotd/td/crypto/srp"
	"github.com/gotd/td/tg"
)

var (
	// ErrPasswordAlgo is a password algorithm that this client does not know.
	ErrPasswordAlgo = errors.New("unknown password algorithm")
	// ErrSRPValue is a public value of the server that would give the password away.
	ErrSRPValue = errors.New("server's SRP value is out of range")
)

// minSRPValue is the shortest B that is taken, in bytes.
const minSRPValue = 248

type passwordAlgo = tg.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow

func srpInput(a tg.PasswordKdfAlgoClass) (srp.Input, error) {
	algo, ok := a.(*passwordAlgo)
	if !ok {
		return srp.Input{}, ErrPasswordAlgo
	}
	return srp.Input{Salt1: algo.Salt1, Salt2: algo.Salt2, G: algo.G, P: algo.P}, nil
}

// PasswordProof proves that the password is known, without telling it, as
// auth.checkPassword and account.updatePasswordSettings want it. p is the answer to
// account.getPassword. It takes about a second.
//
// See https://core.telegram.org/api/srp#checking-the-password-with-srp.
func PasswordProof(password []byte, p *tg.AccountPassword, rnd io.Reader) (*tg.InputCheckPasswordSRP, error) {
	in, err := srpInput(p.CurrentAlgo)
	if err != nil {
		return nil, err
	}
	b := new(big.Int).SetBytes(p.SRPB)
	if len(p.SRPB) < minSRPValue || len(p.SRPB) > 256 || b.Sign() == 0 || b.Cmp(new(big.Int).SetBytes(in.P)) >= 0 {
		return nil, ErrSRPValue
	}
	secret := make([]byte, 256)
	if _, err := io.ReadFull(rnd, secret); err != nil {
		return nil, fmt.Errorf("draw SRP secret: %w", err)
	}
	answer, err := srp.NewSRP(rnd).Hash(password, p.SRPB, secret, in)
	if err != nil {
		return nil, fmt.Errorf("prove password: %w", err)
	}
	return &tg.InputCheckPasswordSRP{SRPID: p.SRPID, A: answer.A, M1: answer.M1}, nil
}

// NewPassword returns what account.updatePasswordSettings wants for a new password:
// the algorithm with a new salt, and the verifier. algo is new_algo of
// account.getPassword.
//
// See https://core.telegram.org/api/srp#setting-a-new-2fa-password.
func NewPassword(password []byte, algo tg.PasswordKdfAlgoClass, rnd io.Reader) (tg.PasswordKdfAlgoClass, []byte, error) {
	in, err := srpInput(algo)
	if err != nil {
		return nil, nil, err
	}
	verifier, salt, err := srp.NewSRP(rnd).NewHash(password, in)
	if err != nil {
		return nil, nil, fmt.Errorf("derive password verifier: %w", err)
	}
	return &passwordAlgo{Salt1: salt, Salt2: in.Salt2, G: in.G, P: in.P}, verifier, nil
}
