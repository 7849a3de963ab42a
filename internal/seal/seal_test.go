package seal_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chappe-im/chappe/internal/seal"
)

func open(t testing.TB) (*seal.Box, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "master.key")
	box, err := seal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return box, path
}

func TestOpenRefuses(t *testing.T) {
	key := strings.Repeat("0f", 32) + "\n"
	for name, test := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"empty":       {"", 0o600, "0 bytes"},
		"short":       {key[2:], 0o600, "63 bytes"},
		"no newline":  {key[:64] + "0", 0o600, "not a master key"},
		"not hex":     {strings.Replace(key, "0f", "0g", 1), 0o600, "not hexadecimal"},
		"group reads": {key, 0o640, "chmod 600"},
		"all read":    {key, 0o604, "chmod 600"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "master.key")
			if err := os.WriteFile(path, []byte(test.text), test.mode); err != nil {
				t.Fatal(err)
			}
			if _, err := seal.Open(path); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
	if _, err := seal.Open(t.TempDir()); err == nil {
		t.Error("a directory opened as a key")
	}
	if _, err := seal.Open(filepath.Join(t.TempDir(), "missing", "master.key")); err == nil {
		t.Error("a key was made in a missing directory")
	}
}

func TestOpenRefusesOtherValues(t *testing.T) {
	box, _ := open(t)
	other, _ := open(t)
	sealed := box.Seal("auth key", []byte("row 1"), []byte("secret"))
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := box.Open("auth key", []byte("row 1"), bad); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("byte %d flipped: %v", i, err)
		}
		if _, err := box.Open("auth key", []byte("row 1"), sealed[:i]); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	for name, try := range map[string]func() ([]byte, error){
		"other purpose": func() ([]byte, error) { return box.Open("code", []byte("row 1"), sealed) },
		"other row":     func() ([]byte, error) { return box.Open("auth key", []byte("row 2"), sealed) },
		"other key":     func() ([]byte, error) { return other.Open("auth key", []byte("row 1"), sealed) },
	} {
		if _, err := try(); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSealSurvivesReopening(t *testing.T) {
	box, path := open(t)
	sealed := box.Seal("auth key", nil, []byte("secret"))
	if len(sealed) != len("secret")+seal.Overhead {
		t.Errorf("%d bytes", len(sealed))
	}
	if bytes.Equal(sealed, box.Seal("auth key", nil, []byte("secret"))) {
		t.Error("sealing twice gave the same bytes")
	}
	again, err := seal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := again.Open("auth key", nil, sealed)
	if err != nil || string(plain) != "secret" {
		t.Errorf("%q, %v", plain, err)
	}
	if box.MAC("salt", []byte("a")) != again.MAC("salt", []byte("a")) {
		t.Error("the keyed hash changed")
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestMACTellsPartsApart(t *testing.T) {
	box, _ := open(t)
	seen := map[[32]byte]string{}
	for _, purpose := range []string{"user", "channel"} {
		for _, parts := range [][]string{{}, {""}, {"abc"}, {"ab", "c"}, {"a", "bc"}, {"abc", ""}} {
			var raw [][]byte
			for _, part := range parts {
				raw = append(raw, []byte(part))
			}
			sum, name := box.MAC(purpose, raw...), fmt.Sprint(purpose, parts)
			if other, found := seen[sum]; found {
				t.Errorf("%q and %q collide", name, other)
			}
			if seen[sum] = name; sum != box.MAC(purpose, raw...) {
				t.Errorf("%q differs from call to call", name)
			}
		}
	}
}

func TestOneKeyWins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	var sums [16][32]byte
	var group sync.WaitGroup
	for i := range sums {
		group.Go(func() {
			box, err := seal.Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			sums[i] = box.MAC("x")
		})
	}
	group.Wait()
	for i := range sums {
		if sums[i] != sums[0] {
			t.Fatal("two keys are in use")
		}
	}
}

func TestKeyIsNotPrinted(t *testing.T) {
	box, path := open(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "box", box)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "box", box)
	fmt.Fprintf(&log, "%v %+v %#v %s", box, box, box, box)
	fmt.Fprintf(&log, "%v %+v %#v %x", struct{ B *seal.Box }{box}, struct{ B *seal.Box }{box}, struct{ B *seal.Box }{box}, box)
	for i := 0; i+16 <= 64; i += 2 {
		if strings.Contains(log.String(), string(text[i:i+16])) {
			t.Fatal("the key is in the log")
		}
	}
}

func BenchmarkMAC(b *testing.B) {
	box, _ := open(b)
	part := make([]byte, 16)
	b.ReportAllocs()
	for b.Loop() {
		box.MAC("access hash", part, part)
	}
}

func BenchmarkSeal(b *testing.B) {
	box, _ := open(b)
	part := make([]byte, 256)
	b.ReportAllocs()
	for b.Loop() {
		box.Seal("auth key", nil, part)
	}
}
