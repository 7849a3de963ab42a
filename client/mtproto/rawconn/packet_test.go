package rawconn

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

type frameCase struct {
	Name  string
	Input struct {
		AuthKey   string `json:"auth_key"`
		X         int
		Salt      string
		SessionID string `json:"session_id"`
		MsgID     string `json:"msg_id"`
		SeqNo     int32  `json:"seq_no"`
		Body      string
		Padding   string
		Packet    string
	}
	Expected struct{ Packet string }
	Verdict  string
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func int64Of(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPacketVectors(t *testing.T) {
	raw, err := os.ReadFile("../../../testdata/vectors/cloud_frames.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []frameCase }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range file.Cases {
		group, _, _ := strings.Cut(c.Name, "/")
		if group != "packet" && group != "bad" {
			continue
		}
		n++
		t.Run(c.Name, func(t *testing.T) {
			k := NewKey([KeySize]byte(unhex(t, c.Input.AuthKey)))
			if group == "bad" {
				_, _, err := Open(nil, &k, Side(c.Input.X), unhex(t, c.Input.Packet))
				if !errors.Is(err, ErrPacket) {
					t.Errorf("error %v, want ErrPacket", err)
				}
				return
			}
			testPacket(t, &c, &k)
		})
	}
	if n != 58 {
		t.Errorf("%d cases ran", n)
	}
}

func testPacket(t *testing.T, c *frameCase, k *Key) {
	want := Message{
		Salt: int64Of(t, c.Input.Salt), SessionID: int64Of(t, c.Input.SessionID),
		ID: int64Of(t, c.Input.MsgID), Seq: c.Input.SeqNo, Body: unhex(t, c.Input.Body),
	}
	packet := unhex(t, c.Expected.Packet)
	plain := append(want.appendPlain(nil), unhex(t, c.Input.Padding)...)
	if got := SealPlaintext(nil, k, Side(c.Input.X), plain); !bytes.Equal(got, packet) {
		t.Error("sealed packet differs")
	}
	sealed, err := Seal(nil, k, Side(c.Input.X), want, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range [][]byte{packet, sealed, append(sealed, make([]byte, 15)...)} {
		got, _, err := Open(nil, k, Side(c.Input.X), p)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Error("opened message differs")
		}
	}
}

var testKey = NewKey([KeySize]byte{1, 2, 3})

// TestA3Reflection gives a client its own packet back.
func TestA3Reflection(t *testing.T) {
	p, err := Seal(nil, &testKey, Client, Message{ID: 4, Body: make([]byte, 8)}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(nil, &testKey, Server, p); !errors.Is(err, ErrPacket) {
		t.Errorf("error %v, want ErrPacket", err)
	}
}

// TestA7PaddingAndLastBlock changes what the length does not cover, and the end.
func TestA7PaddingAndLastBlock(t *testing.T) {
	p, err := Seal(nil, &testKey, Server, Message{ID: 5, Body: make([]byte, 8)}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, forged := range map[string][]byte{
		"last block":     append(bytes.Clone(p[:len(p)-16]), make([]byte, 16)...),
		"block appended": append(bytes.Clone(p), make([]byte, 16)...),
		"block removed":  p[:len(p)-16],
		"last bit":       append(bytes.Clone(p[:len(p)-1]), p[len(p)-1]^1),
	} {
		if _, _, err := Open(nil, &testKey, Server, forged); !errors.Is(err, ErrPacket) {
			t.Errorf("%s: error %v, want ErrPacket", name, err)
		}
	}
}

func TestKeyIsNeverPrinted(t *testing.T) {
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", testKey)
	js, err := json.Marshal(map[string]any{"key": testKey})
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("Key(%016x)", uint64(testKey.ID()))
	for _, s := range []string{
		fmt.Sprintf("%v %+v %#v %s %x %d", testKey, testKey, testKey, testKey, testKey, testKey),
		fmt.Sprint(&testKey), fmt.Sprintf("%+v", struct{ K Key }{testKey}), log.String(),
	} {
		if !strings.Contains(s, want) || strings.Contains(s, "010203") || strings.Contains(s, "1 2 3") {
			t.Errorf("printed as %q", s)
		}
	}
	if string(js) != `{"key":{}}` {
		t.Errorf("marshalled as %s", js)
	}
}

func TestNumbers(t *testing.T) {
	var n Numbers
	at := time.Unix(1_700_000_000, 500_000_000)
	a, b := n.ID(at), n.ID(at)
	if a != 1_700_000_000<<32|1<<31 || b != a+4 || n.ID(at.Add(-time.Hour)) != b+4 {
		t.Errorf("ids %d, %d", a, b)
	}
	if !MessageTime(a).Equal(at) {
		t.Errorf("time of the id is %v", MessageTime(a))
	}
	if got := []int32{n.Seq(false), n.Seq(true), n.Seq(false), n.Seq(true)}; fmt.Sprint(got) != "[0 1 2 3]" {
		t.Errorf("sequence %v", got)
	}
}

func TestRandGivesNothingTwice(t *testing.T) {
	known := make(map[[16]byte]bool)
	for range 1000 {
		var b [16]byte
		if _, err := Rand.Read(b[:]); err != nil {
			t.Fatal(err)
		}
		if known[b] || b == [16]byte{} {
			t.Fatalf("%x was given twice", b)
		}
		known[b] = true
	}
	if n, err := Rand.Read(make([]byte, 2000)); n != 2000 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func FuzzOpen(f *testing.F) {
	p, _ := Seal(nil, &testKey, Server, Message{ID: 5, Body: make([]byte, 8)}, rand.Reader)
	f.Add(p)
	f.Fuzz(func(_ *testing.T, p []byte) {
		_, _, _ = Open(nil, &testKey, Server, p)
	})
}

func BenchmarkSeal400(b *testing.B) {
	m, dst := Message{Body: make([]byte, 352)}, make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Seal(dst, &testKey, Client, m, Rand); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen400(b *testing.B) {
	p, _ := Seal(nil, &testKey, Server, Message{Body: make([]byte, 352)}, rand.Reader)
	var scratch []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if _, scratch, err = Open(scratch, &testKey, Server, p); err != nil {
			b.Fatal(err)
		}
	}
}
