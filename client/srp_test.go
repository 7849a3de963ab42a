package client

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/gotd/td/tg"
)

type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

type srpVectors struct {
	Tables struct {
		Groups map[string]struct {
			P hexBytes
			G int
		}
	}
	Cases []struct {
		Name, Verdict string
		Input         struct {
			Group, Side            string
			Password, Salt1, Salt2 hexBytes
			A                      hexBytes
			GB                     hexBytes `json:"g_b"`
		}
		Expected struct {
			GA hexBytes `json:"g_a"`
			GB hexBytes `json:"g_b"`
			V  hexBytes
			M1 hexBytes
		}
	}
}

func loadSRP(t *testing.T) srpVectors {
	t.Helper()
	raw, err := os.ReadFile("../testdata/vectors/srp.json")
	if err != nil {
		t.Fatal(err)
	}
	var v srpVectors
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestPasswordProofRefuses(t *testing.T) {
	rnd := bytes.NewReader(make([]byte, 1024))
	if _, err := PasswordProof(nil, &tg.AccountPassword{CurrentAlgo: &tg.PasswordKdfAlgoUnknown{}}, rnd); !errors.Is(err, ErrPasswordAlgo) {
		t.Errorf("error %v, want ErrPasswordAlgo", err)
	}
	v, n := loadSRP(t), 0
	for _, c := range v.Cases {
		if c.Input.Side != "client" {
			continue
		}
		n++
		g := v.Tables.Groups[c.Input.Group]
		p := &tg.AccountPassword{SRPB: c.Input.GB, CurrentAlgo: &passwordAlgo{P: g.P, G: g.G}}
		if _, err := PasswordProof(nil, p, rnd); !errors.Is(err, ErrSRPValue) {
			t.Errorf("%s: error %v, want ErrSRPValue", c.Name, err)
		}
	}
	if n != 5 {
		t.Errorf("%d cases ran", n)
	}
}

func TestPasswordProofVectors(t *testing.T) {
	v, n := loadSRP(t), 0
	for _, c := range v.Cases {
		if c.Input.Side != "" || c.Input.A == nil {
			continue
		}
		if n++; testing.Short() && n > 2 {
			continue // each proves a prime safe, which takes a second
		}
		t.Run(c.Name, func(t *testing.T) {
			g := v.Tables.Groups[c.Input.Group]
			algo := &passwordAlgo{Salt1: c.Input.Salt1, Salt2: c.Input.Salt2, P: g.P, G: g.G}
			p := &tg.AccountPassword{SRPID: 5, SRPB: c.Expected.GB, CurrentAlgo: algo}
			got, err := PasswordProof(c.Input.Password, p, bytes.NewReader(c.Input.A))
			if err != nil {
				t.Fatal(err)
			}
			if got.SRPID != 5 || !bytes.Equal(got.A, c.Expected.GA) || !bytes.Equal(got.M1, c.Expected.M1) {
				t.Error("A or M1 differs")
			}
		})
	}
	if n < 10 {
		t.Errorf("%d cases ran", n)
	}
}

// TestNewPassword finds the verifier of a vector whose salt ends in 32 drawn bytes.
func TestNewPassword(t *testing.T) {
	if _, _, err := NewPassword(nil, &tg.PasswordKdfAlgoUnknown{}, nil); !errors.Is(err, ErrPasswordAlgo) {
		t.Errorf("error %v, want ErrPasswordAlgo", err)
	}
	v := loadSRP(t)
	for _, c := range v.Cases {
		if !strings.HasPrefix(c.Name, "raw-bytes") {
			continue
		}
		g, cut := v.Tables.Groups[c.Input.Group], len(c.Input.Salt1)-32
		algo := &passwordAlgo{Salt1: c.Input.Salt1[:cut], Salt2: c.Input.Salt2, P: g.P, G: g.G}
		got, verifier, err := NewPassword(c.Input.Password, algo, bytes.NewReader(c.Input.Salt1[cut:]))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(verifier, c.Expected.V) || !bytes.Equal(got.(*passwordAlgo).Salt1, c.Input.Salt1) {
			t.Error("verifier or salt differs")
		}
		return
	}
	t.Error("no vector was used")
}
