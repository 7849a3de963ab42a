package langpack

import (
	"log/slog"
	"testing"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// TestMethods asks as a client does before it signs in.
func TestMethods(t *testing.T) {
	table, err := rpc.NewTable(Methods(), nil, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	call := func(query bin.Object) bin.Encoder {
		t.Helper()
		var b bin.Buffer
		if err := query.Encode(&b); err != nil {
			t.Fatal(err)
		}
		answer, err := table.Call(t.Context(), &rpc.Caller{}, b.Buf)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	all, ok := call(&tg.LangpackGetLangPackRequest{LangCode: "de"}).(*tg.LangPackDifference)
	if !ok || all.LangCode != "de" || all.FromVersion != 0 || len(all.Strings) != 0 {
		t.Errorf("pack: %v", all)
	}
	changed, ok := call(&tg.LangpackGetDifferenceRequest{LangCode: "de", FromVersion: 12}).(*tg.LangPackDifference)
	if !ok || changed.LangCode != "de" || changed.FromVersion != 12 || changed.Version != 12 || len(changed.Strings) != 0 {
		t.Errorf("difference: %v", changed)
	}
	some, ok := call(&tg.LangpackGetStringsRequest{Keys: []string{"a", "b"}}).(*tg.LangPackStringClassVector)
	if !ok || len(some.Elems) != 2 || some.Elems[1].GetKey() != "b" {
		t.Errorf("strings: %v", some)
	}
	languages, ok := call(&tg.LangpackGetLanguagesRequest{}).(*tg.LangPackLanguageVector)
	if !ok || len(languages.Elems) != 0 {
		t.Errorf("languages: %v", languages)
	}
}
