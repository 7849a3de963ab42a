package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCatalogueIsFresh fails when the catalogue was not generated from the gotd
// version that is built in.
func TestCatalogueIsFresh(t *testing.T) {
	want, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../../internal/core/fault/catalogue_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Error("catalogue_gen.go is stale: run go generate ./internal/core/fault")
	}
}

// TestSchemaIsFresh fails when layer 227 of the merged schema is not that of the
// gotd version that is built in. The other layers never change; tlgen schema
// -check compares all of them and needs a module proxy.
func TestSchemaIsFresh(t *testing.T) {
	dir, err := ownDir()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(dir, "_schema", "telegram.tl"))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, d := range readDefinitions(string(source)) {
		want = append(want, d.text)
	}
	merged, err := os.ReadFile("../../internal/tl/transcode/schema_gen.tl")
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for line := range strings.Lines(string(merged)) {
		text, layers, _ := strings.Cut(strings.TrimSpace(line), ";")
		if strings.HasSuffix(layers, "-228") && !strings.HasSuffix(layers, "228-228") || strings.HasSuffix(layers, "-227") {
			have = append(have, text)
		}
	}
	slices.Sort(want)
	slices.Sort(have)
	if !slices.Equal(have, want) {
		t.Error("schema_gen.tl is stale: run go generate ./internal/tl/transcode")
	}
}

func TestGoName(t *testing.T) {
	for name, want := range map[string]string{
		"PEER_ID_INVALID": "PeerIDInvalid", "FLOOD_WAIT_%d": "FloodWait", "2FA_CONFIRM_WAIT_%d": "TwoFAConfirmWait",
		"FILE_REFERENCE_%d_EXPIRED": "FileReferenceNExpired", "Timeout": "Timeout", "URL_INVALID": "URLInvalid",
	} {
		if got := goName(name); got != want {
			t.Errorf("%s becomes %s, not %s", name, got, want)
		}
	}
}

func TestSpans(t *testing.T) {
	if got := spans([]int{152, 158, 170, 227, 228}); got != "152-158 170-170 227-228" {
		t.Errorf("got %q", got)
	}
}

func TestCommonest(t *testing.T) {
	a, b := rpcError{400, "A", "a"}, rpcError{403, "A", "a"}
	if got := commonest(map[rpcError]int{a: 1, b: 2}); got["A"] != b {
		t.Errorf("got %v", got)
	}
	if got := commonest(map[rpcError]int{a: 2, b: 2}); got["A"] != a {
		t.Errorf("got %v", got)
	}
}
