package account

import (
	"context"
	"strconv"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/login"
	"github.com/chappe-im/chappe/internal/rpc"
)

// getAuthorizations lists the devices the caller's account is signed in on.
//
// https://core.telegram.org/method/account.getAuthorizations
func (d Deps) getAuthorizations(ctx context.Context, c *rpc.Caller, _ *tg.AccountGetAuthorizationsRequest) (bin.Encoder, error) {
	devices, own, err := d.Login.List(ctx, Client(c))
	if err != nil {
		return nil, err
	}
	_, days, err := d.Account.TTL(ctx, c.Account)
	if err != nil {
		return nil, err
	}
	answer := &tg.AccountAuthorizations{AuthorizationTTLDays: days, Authorizations: []tg.Authorization{}}
	for _, device := range devices {
		answer.Authorizations = append(answer.Authorizations, Authorization(device, device.Key == own))
	}
	return answer, nil
}

// Authorization is a device as its owner sees it. The current one has no hash, as clients expect.
//
// https://core.telegram.org/constructor/authorization
func Authorization(device login.Device, current bool) tg.Authorization {
	a := tg.Authorization{
		Current: current, PasswordPending: device.Pending != 0,
		EncryptedRequestsDisabled: device.NoSecret, CallRequestsDisabled: device.NoCalls,
		Unconfirmed: device.Unconfirmed, Hash: device.Hash,
		DeviceModel: device.DeviceModel, SystemVersion: device.SystemVersion,
		APIID: device.APIID, AppName: "Client " + strconv.Itoa(device.APIID), AppVersion: device.AppVersion,
		DateCreated: int(device.Created), DateActive: int(device.Active), IP: device.IP,
	}
	if current {
		a.Hash = 0
	}
	return a
}
