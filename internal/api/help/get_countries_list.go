package help

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

const (
	// anonymous stands where a country's letters do for numbers that belong to none.
	anonymous = "FT"
	// countriesHash changes when the list does.
	countriesHash = 888
)

// getCountriesList lists what a number may begin with: the server signs in only numbers that it
// gave, and those begin with +888.
//
// https://core.telegram.org/method/help.getCountriesList
func (d Deps) getCountriesList(_ context.Context, _ *rpc.Caller, r *tg.HelpGetCountriesListRequest) (bin.Encoder, error) {
	if r.Hash == countriesHash {
		return &tg.HelpCountriesListNotModified{}, nil
	}
	code := tg.HelpCountryCode{CountryCode: "888"}
	code.SetPatterns([]string{"XXXX XXXX"})
	return &tg.HelpCountriesList{
		Hash: countriesHash,
		Countries: []tg.HelpCountry{
			{ISO2: anonymous, DefaultName: "Anonymous Numbers", CountryCodes: []tg.HelpCountryCode{code}},
		},
	}, nil
}

// getInviteText is what one writes to a friend who is not here yet.
//
// https://core.telegram.org/method/help.getInviteText
func (d Deps) getInviteText(context.Context, *rpc.Caller, *tg.HelpGetInviteTextRequest) (bin.Encoder, error) {
	return &tg.HelpInviteText{Message: "Let's chat here: " + d.URL + "/join"}, nil
}
