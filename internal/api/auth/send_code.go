package auth

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/account"
	"github.com/chappe-im/chappe/internal/core/login"
	"github.com/chappe-im/chappe/internal/rpc"
)

// sendCode sends a login code to a number.
//
// https://core.telegram.org/method/auth.sendCode
func (d Deps) sendCode(ctx context.Context, c *rpc.Caller, r *tg.AuthSendCodeRequest) (bin.Encoder, error) {
	sent, err := d.Login.SendCode(ctx, account.Client(c), r.PhoneNumber)
	if err != nil {
		return nil, err
	}
	return sentCode(sent), nil
}

// resendAfter is how many seconds a client waits before it offers the next way.
const resendAfter = 60

// sentCode says where a code went.
//
// https://core.telegram.org/constructor/auth.sentCode
func sentCode(sent login.Sent) *tg.AuthSentCode {
	answer := &tg.AuthSentCode{PhoneCodeHash: sent.Hash}
	switch sent.Way {
	case login.InApp:
		answer.Type = &tg.AuthSentCodeTypeApp{Length: sent.Digits}
	case login.ByEmail:
		answer.Type = &tg.AuthSentCodeTypeEmailCode{EmailPattern: sent.Email, Length: sent.Digits}
	default:
		answer.Type = &tg.AuthSentCodeTypeSMS{Length: sent.Digits}
	}
	if sent.Next != 0 {
		answer.SetNextType(&tg.AuthCodeTypeSMS{})
		answer.SetTimeout(resendAfter)
	}
	return answer
}
