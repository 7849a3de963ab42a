package secret

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// vector is one case of a file of vectors.
type vector struct {
	Name, Verdict string
	AlsoAllowed   []string `json:"also_allowed"`
	Input         json.RawMessage
	Expected      json.RawMessage
}

// forVectors runs f for each case of these groups, all groups if there are none
// named; tables is decoded into tables.
func forVectors(t *testing.T, file string, groups []string, tables any, f func(*testing.T, vector)) {
	t.Helper()
	b, err := os.ReadFile("../../testdata/vectors/" + file + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Tables json.RawMessage
		Cases  []vector
	}
	parse(t, b, &all)
	if tables != nil {
		parse(t, all.Tables, tables)
	}
	n := 0
	for _, v := range all.Cases {
		group, _, _ := strings.Cut(v.Name, "/")
		if groups != nil && !slices.Contains(groups, group) {
			continue
		}
		n++
		t.Run(v.Name, func(t *testing.T) { f(t, v) })
	}
	if n == 0 {
		t.Errorf("no cases of %v in %s", groups, file)
	}
}

func parse(t *testing.T, b []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

// judge holds a verdict to those a case allows.
func judge(t *testing.T, v vector, got string) {
	t.Helper()
	if got != v.Verdict && !slices.Contains(v.AlsoAllowed, got) {
		t.Errorf("verdict %s, want %s", got, v.Verdict)
	}
}

func judgeErr(t *testing.T, v vector, err error) {
	t.Helper()
	if err != nil {
		judge(t, v, "reject")
		return
	}
	judge(t, v, "accept")
}

// name is how the vectors call a verdict.
func (v Verdict) name() string { return [...]string{"accept", "drop", "queue", "close"}[v] }

type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

type longInt int64

func (l *longInt) UnmarshalText(b []byte) error {
	n, err := strconv.ParseInt(string(b), 10, 64)
	*l = longInt(n)
	return err
}

// counter is a source of bytes that is the same in every run.
type counter struct{ n byte }

func (c *counter) Read(b []byte) (int, error) {
	for i := range b {
		c.n = c.n*29 + 71
		b[i] = c.n
	}
	return len(b), nil
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestFrameVectors(t *testing.T) {
	type output struct {
		Fingerprint longInt  `json:"key_fingerprint_long"`
		Frame       hexBytes `json:"frame"`
		AESKey      hexBytes `json:"aes_key"`
	}
	forVectors(t, "secret_frames", nil, nil, func(t *testing.T, v vector) {
		var in struct {
			Key, Payload, Padding hexBytes
			MsgKey                hexBytes `json:"msg_key"`
			X                     int
		}
		var out output
		parse(t, v.Input, &in)
		parse(t, v.Expected, &out)
		k := newChatKey([256]byte(in.Key))
		from := Role(in.X / 8)
		if in.MsgKey != nil {
			checkKDF(t, k, from, in.MsgKey, v.Expected)
			return
		}
		plain := slices.Concat([]byte{byte(len(in.Payload)), byte(len(in.Payload) >> 8), byte(len(in.Payload) >> 16), 0}, in.Payload, in.Padding)
		if !bytes.Equal(k.encrypt(from, plain), out.Frame) {
			t.Error("frame differs")
		}
		if k.id != int64(out.Fingerprint) {
			t.Errorf("fingerprint %d", k.id)
		}
		symmetric := strings.HasPrefix(v.Name, "zero-key") || strings.HasPrefix(v.Name, "ones-key")
		if _, err := k.open(from.peer(), out.Frame); err == nil && !symmetric {
			t.Error("opens in the other direction")
		}
		got, err := k.open(from, out.Frame)
		if err != nil || !bytes.Equal(got, in.Payload) {
			t.Errorf("opens to %x, %v", got, err)
		}
	})
}

func TestFileVectors(t *testing.T) {
	type input struct {
		Key, IV, Tail hexBytes
		Size          int
		Seed          hexBytes `json:"plaintext_seed"`
		PartSize      int      `json:"part_size"`
		Received      *int32   `json:"received_fingerprint"`
	}
	forVectors(t, "secret_files", nil, nil, func(t *testing.T, v vector) {
		var in input
		parse(t, v.Input, &in)
		k, err := ParseFileKey(in.Key, in.IV)
		if err == nil && in.Received != nil {
			err = k.Check(*in.Received)
		}
		if judgeErr(t, v, err); err != nil {
			return
		}
		var out fileOutput
		parse(t, v.Expected, &out)
		if k.Fingerprint() != out.Fingerprint {
			t.Errorf("fingerprint %d, want %d", k.Fingerprint(), out.Fingerprint)
		}
		if in.Seed == nil {
			return
		}
		plain := expand(in.Seed, in.Size)
		sealed, err := io.ReadAll(k.Encrypt(bytes.NewReader(plain), bytes.NewReader(in.Tail)))
		if err != nil {
			t.Fatal(err)
		}
		out.check(t, k, sealed, append(plain, in.Tail...), in.PartSize)
		got, err := io.ReadAll(k.Decrypt(bytes.NewReader(sealed), int64(in.Size)))
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("decrypts to %d other bytes, %v", len(got), err)
		}
	})
}
