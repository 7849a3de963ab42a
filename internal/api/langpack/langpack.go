// Package langpack answers the methods of the namespace langpack: translations of client software.
//
// There are none here; client software brings its own English. The answers say so in the form that
// each method has for it.
//
// Specification: https://core.telegram.org/api/translation.
package langpack

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// Methods returns the lines of the namespace. Clients ask before they sign in.
func Methods() []*rpc.Method {
	anyone := rpc.For(rpc.Anyone)
	return []*rpc.Method{
		rpc.Handle(getLangPack, anyone),
		rpc.Handle(getDifference, anyone),
		rpc.Handle(getStrings, anyone),
		rpc.Handle(getLanguages, anyone),
	}
}

// getLangPack returns a language's texts: none.
//
// https://core.telegram.org/method/langpack.getLangPack
func getLangPack(_ context.Context, _ *rpc.Caller, r *tg.LangpackGetLangPackRequest) (bin.Encoder, error) {
	return &tg.LangPackDifference{LangCode: r.LangCode}, nil
}

// getDifference returns what changed since the version a client has: nothing. A client fails if the
// answer begins at another version or is of another language.
//
// https://core.telegram.org/method/langpack.getDifference
func getDifference(_ context.Context, _ *rpc.Caller, r *tg.LangpackGetDifferenceRequest) (bin.Encoder, error) {
	return &tg.LangPackDifference{LangCode: r.LangCode, FromVersion: r.FromVersion, Version: r.FromVersion}, nil
}

// getStrings returns some texts of a language: each is missing, which sends the client to its own.
//
// https://core.telegram.org/method/langpack.getStrings
func getStrings(_ context.Context, _ *rpc.Caller, r *tg.LangpackGetStringsRequest) (bin.Encoder, error) {
	answer := &tg.LangPackStringClassVector{}
	for _, key := range r.Keys {
		answer.Elems = append(answer.Elems, &tg.LangPackStringDeleted{Key: key})
	}
	return answer, nil
}

// getLanguages lists the languages: none.
//
// https://core.telegram.org/method/langpack.getLanguages
func getLanguages(context.Context, *rpc.Caller, *tg.LangpackGetLanguagesRequest) (bin.Encoder, error) {
	return &tg.LangPackLanguageVector{}, nil
}
