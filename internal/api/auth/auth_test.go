package auth_test

import (
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/crypto/srp"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/account"
	"github.com/chappe-im/chappe/internal/api/auth"
	"github.com/chappe-im/chappe/internal/cipher"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/login/logintest"
	"github.com/chappe-im/chappe/internal/rpc"
	"github.com/chappe-im/chappe/internal/store"
)

// server is the method table of both namespaces over a world.
type server struct {
	*logintest.World
	table *rpc.Table
	keys  map[int64]cipher.Key
}

func each(t *testing.T, test func(t *testing.T, s *server)) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		s := &server{World: w, keys: map[int64]cipher.Key{}}
		self := func(_ context.Context, id int64) (tg.UserClass, error) { return &tg.User{ID: id, Self: true}, nil }
		methods := auth.Methods(auth.Deps{
			Login: w.Login, Password: w.Password, Self: self,
			Key: func(_ context.Context, id int64) (cipher.Key, bool, error) {
				k, ok := s.keys[id]
				return k, ok, nil
			},
		})
		methods = append(methods, account.Methods(account.Deps{
			Account: w.Account, Login: w.Login, Password: w.Password, Email: w.Email, Self: self,
			SetOnline: func(context.Context, int64, bool) error { return nil },
		})...)
		var err error
		s.table, err = rpc.NewTable(methods, nil, nil, slog.New(slog.DiscardHandler))
		w.Must(err)
		test(t, s)
	})
}

// call runs a query of a device through the table and decodes its answer.
func (s *server) call(key int64, query bin.Encoder, answer bin.Decoder) error {
	s.T.Helper()
	return s.callAs(&rpc.Caller{Key: key, Account: s.SignedIn(key)}, query, answer)
}

func (s *server) callAs(c *rpc.Caller, query bin.Encoder, answer bin.Decoder) error {
	s.T.Helper()
	c.IP = netip.AddrFrom4([4]byte{10, byte(c.Key >> 8), byte(c.Key), 1})
	c.App.DeviceModel, c.App.AppVersion, c.App.ID = "Model", "1.0", 5
	var in, out bin.Buffer
	s.Must(query.Encode(&in))
	a, err := s.table.Call(s.T.Context(), c, in.Buf)
	if err != nil {
		return err
	}
	s.Must(a.Encode(&out))
	if err := answer.Decode(&out); err != nil {
		s.T.Fatalf("answer of %T: %v", query, err)
	}
	if out.Len() != 0 {
		s.T.Fatalf("answer of %T has %d bytes too many", query, out.Len())
	}
	return nil
}

func (s *server) yes(key int64, query bin.Encoder) {
	s.T.Helper()
	var answer tg.BoolBox
	s.Must(s.call(key, query, &answer))
	if _, ok := answer.Bool.(*tg.BoolTrue); !ok {
		s.T.Errorf("%T answered false", query)
	}
}

func (s *server) refuses(key int64, query bin.Encoder, want error) {
	s.T.Helper()
	var answer tg.BoolBox
	var f *fault.Error
	err := s.call(key, query, &answer)
	if !errors.As(err, &f) {
		s.T.Fatalf("%T: %v", query, err)
	}
	s.Want(err, want)
}

func TestRefused(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.refuses(1, &tg.AuthSendCodeRequest{PhoneNumber: "888123"}, fault.PhoneNumberInvalid)
		s.refuses(1, &tg.AuthSendCodeRequest{PhoneNumber: "88812345678"}, fault.PhoneNumberInvalid)
		s.refuses(1, &tg.AuthResendCodeRequest{PhoneNumber: "88812345678", PhoneCodeHash: "x"}, fault.PhoneCodeExpired)
		s.refuses(1, &tg.AuthSignInRequest{PhoneNumber: "88812345678", PhoneCodeHash: "x"}, fault.PhoneCodeEmpty)
		s.refuses(1, &tg.AuthSignUpRequest{PhoneNumber: "88812345678", FirstName: "A"}, fault.PhoneCodeExpired)
		s.refuses(1, &tg.AuthCheckPasswordRequest{Password: &tg.InputCheckPasswordEmpty{}}, fault.AuthKeyUnregistered)
		s.refuses(1, &tg.AuthRequestPasswordRecoveryRequest{}, fault.AuthKeyUnregistered)
		s.refuses(1, &tg.AuthRecoverPasswordRequest{Code: "1"}, fault.AuthKeyUnregistered)
		s.refuses(1, &tg.AccountGetPasswordRequest{}, fault.AuthKeyUnregistered)
		s.refuses(1, &tg.AccountDeleteAccountRequest{}, fault.AuthKeyUnregistered)
		s.refuses(1, &tg.AccountGetAuthorizationsRequest{}, fault.AuthKeyUnregistered)
		s.refuses(1, &tg.AuthExportAuthorizationRequest{DCID: 2}, fault.AuthKeyUnregistered)
		s.refuses(1, &tg.AuthImportAuthorizationRequest{ID: 1}, fault.AuthBytesInvalid)
		s.refuses(1, &tg.AuthImportLoginTokenRequest{Token: []byte("x")}, fault.AuthTokenInvalid)
		s.refuses(1, &tg.AuthBindTempAuthKeyRequest{}, fault.TempAuthKeyEmpty)
		s.yes(1, &tg.AuthDropTempAuthKeysRequest{})
		var out tg.AuthLoggedOut
		s.Must(s.call(1, &tg.AuthLogOutRequest{}, &out)) // nobody is signed in
	})
}

// TestSession drives a sign-up, a second device and log-out as clients do.
func TestSession(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		h, err := s.Login.HandOut(t.Context(), netip.MustParseAddr("192.0.2.1"), "")
		s.Must(err)
		var sent tg.AuthSentCode
		s.Must(s.call(1, &tg.AuthSendCodeRequest{PhoneNumber: "+" + h.Number}, &sent))
		if kind, ok := sent.Type.(*tg.AuthSentCodeTypeSMS); !ok || kind.Length != 6 {
			t.Errorf("sent %+v", sent)
		}
		var signUp tg.AuthAuthorizationSignUpRequired
		in := &tg.AuthSignInRequest{PhoneNumber: h.Number, PhoneCodeHash: sent.PhoneCodeHash}
		in.SetPhoneCode(h.Code)
		s.Must(s.call(1, in, &signUp))
		var authorization tg.AuthAuthorization
		up := &tg.AuthSignUpRequest{PhoneNumber: h.Number, PhoneCodeHash: sent.PhoneCodeHash, FirstName: "Ann"}
		s.Must(s.call(1, up, &authorization))
		id := authorization.User.GetID()

		s.Must(s.call(2, &tg.AuthSendCodeRequest{PhoneNumber: h.Number}, &sent))
		if _, ok := sent.Type.(*tg.AuthSentCodeTypeApp); !ok || sent.NextType == nil || sent.Timeout == 0 {
			t.Errorf("sent %+v", sent)
		}
		s.Must(s.call(2, &tg.AuthResendCodeRequest{PhoneNumber: h.Number, PhoneCodeHash: sent.PhoneCodeHash}, &sent))
		code, err := s.Login.PendingCode(t.Context(), h.Number)
		s.Must(err)
		in = &tg.AuthSignInRequest{PhoneNumber: h.Number, PhoneCodeHash: sent.PhoneCodeHash}
		in.SetEmailVerification(&tg.EmailVerificationCode{Code: code})
		s.Must(s.call(2, in, &authorization))
		if authorization.User.GetID() != id {
			t.Errorf("signed in as %v", authorization.User)
		}

		var list tg.AccountAuthorizations
		s.Must(s.call(1, &tg.AccountGetAuthorizationsRequest{}, &list))
		if len(list.Authorizations) != 2 || !list.Authorizations[0].Current || list.Authorizations[0].Hash != 0 ||
			list.Authorizations[1].Hash == 0 || !list.Authorizations[1].Unconfirmed || list.AuthorizationTTLDays != 180 {
			t.Errorf("list %+v", list)
		}
		other := list.Authorizations[1].Hash
		settings := &tg.AccountChangeAuthorizationSettingsRequest{Hash: other, Confirmed: true}
		settings.SetCallRequestsDisabled(true)
		s.yes(1, settings)
		s.refuses(1, &tg.AccountResetAuthorizationRequest{Hash: 1}, fault.HashInvalid)
		s.yes(1, &tg.AccountResetAuthorizationRequest{Hash: other})
		s.refuses(2, &tg.AccountGetAuthorizationsRequest{}, fault.AuthKeyUnregistered)
		s.yes(1, &tg.AuthResetAuthorizationsRequest{})

		s.Pass(time.Hour)
		s.SignIn(3, h.Number)
		s.refuses(3, &tg.AccountDeleteAccountRequest{}, fault.TwoFAConfirmWait(7*24*3600)) // too fresh
		var out tg.AuthLoggedOut
		s.Must(s.call(1, &tg.AuthLogOutRequest{}, &out))
		s.refuses(1, &tg.AccountGetAuthorizationsRequest{}, fault.AuthKeyUnregistered)
	})
}

func TestToken(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		id, _ := s.SignUp(1, "Ann")
		var token tg.AuthLoginToken
		show := &tg.AuthExportLoginTokenRequest{APIID: 5}
		s.Must(s.call(2, show, &token))
		if token.Expires != int(s.Now().Unix())+30 {
			t.Errorf("expires %d", token.Expires)
		}
		var shown tg.Authorization
		s.Must(s.call(1, &tg.AuthAcceptLoginTokenRequest{Token: token.Token}, &shown))
		if shown.DeviceModel != "Model" || shown.APIID != 5 || shown.Current {
			t.Errorf("accepted %+v", shown)
		}
		var success tg.AuthLoginTokenSuccess
		s.Must(s.call(2, show, &success))
		if a, ok := success.Authorization.(*tg.AuthAuthorization); !ok || a.User.GetID() != id {
			t.Errorf("signed in as %+v", success.Authorization)
		}

		s.Must(s.call(3, show, &token))
		s.Must(s.call(1, &tg.AuthAcceptLoginTokenRequest{Token: token.Token}, &shown))
		s.Must(s.call(3, &tg.AuthImportLoginTokenRequest{Token: token.Token}, &success))

		var export tg.AuthExportedAuthorization
		s.refuses(3, &tg.AuthExportAuthorizationRequest{}, fault.DCIDInvalid)
		s.Must(s.call(3, &tg.AuthExportAuthorizationRequest{DCID: 2}, &export))
		var authorization tg.AuthAuthorization
		s.Must(s.call(4, &tg.AuthImportAuthorizationRequest{ID: export.ID, Bytes: export.Bytes}, &authorization))
		if s.SignedIn(4) != id {
			t.Errorf("signed in to %d", s.SignedIn(4))
		}
	})
}

// proof answers getPassword with gotd's SRP.
func (s *server) proof(key int64, password string) *tg.InputCheckPasswordSRP {
	s.T.Helper()
	var p tg.AccountPassword
	s.Must(s.call(key, &tg.AccountGetPasswordRequest{}, &p))
	algo, ok := p.CurrentAlgo.(*tg.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow)
	if !ok || !p.HasPassword {
		s.T.Fatalf("password %+v", p)
	}
	a, err := srp.NewSRP(rand.Reader).Hash([]byte(password), p.SRPB, p.SecureRandom,
		srp.Input{Salt1: algo.Salt1, Salt2: algo.Salt2, G: algo.G, P: algo.P})
	s.Must(err)
	return &tg.InputCheckPasswordSRP{SRPID: p.SRPID, A: a.A, M1: a.M1[:]}
}

// settings are a new password made with gotd's SRP.
func (s *server) settings(key int64, password string) tg.AccountPasswordInputSettings {
	s.T.Helper()
	var p tg.AccountPassword
	s.Must(s.call(key, &tg.AccountGetPasswordRequest{}, &p))
	algo := p.NewAlgo.(*tg.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow)
	hash, salt, err := srp.NewSRP(rand.Reader).NewHash([]byte(password), srp.Input{Salt1: algo.Salt1, Salt2: algo.Salt2, G: algo.G, P: algo.P})
	s.Must(err)
	algo.Salt1 = salt
	var n tg.AccountPasswordInputSettings
	n.SetNewAlgo(algo)
	n.SetNewPasswordHash(hash)
	n.SetHint("the usual")
	return n
}

func TestPassword(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.Login.NoLimits, s.Email.NoLimits, s.Email.Mail = true, true, s.Mail
		id, number := s.SignUp(1, "Ann")
		empty := &tg.InputCheckPasswordEmpty{}
		update := func(check tg.InputCheckPasswordSRPClass, n tg.AccountPasswordInputSettings) *tg.AccountUpdatePasswordSettingsRequest {
			return &tg.AccountUpdatePasswordSettingsRequest{Password: check, NewSettings: n}
		}
		s.refuses(1, update(empty, tg.AccountPasswordInputSettings{}), fault.NewSettingsEmpty)
		bad := s.settings(1, "secret")
		bad.NewAlgo = &tg.PasswordKdfAlgoUnknown{}
		s.refuses(1, update(empty, bad), fault.NewSettingsInvalid)
		s.yes(1, update(empty, s.settings(1, "secret")))
		s.refuses(1, update(empty, s.settings(1, "other")), fault.PasswordHashInvalid)

		hash, code := s.SendCode(2, number)
		in := &tg.AuthSignInRequest{PhoneNumber: number, PhoneCodeHash: hash}
		in.SetPhoneCode(code)
		s.refuses(2, in, fault.SessionPasswordNeeded)
		s.refuses(2, &tg.AccountGetAuthorizationsRequest{}, fault.AuthKeyUnregistered)
		s.refuses(2, &tg.AuthCheckPasswordRequest{Password: empty}, fault.PasswordHashInvalid)
		s.refuses(2, &tg.AuthCheckPasswordRequest{Password: s.proof(2, "guess")}, fault.PasswordHashInvalid)
		s.refuses(2, &tg.AccountDeleteAccountRequest{Reason: "forgot"}, fault.TwoFAConfirmWait(0))
		var authorization tg.AuthAuthorization
		s.Must(s.call(2, &tg.AuthCheckPasswordRequest{Password: s.proof(2, "secret")}, &authorization))
		if s.SignedIn(2) != id {
			t.Fatalf("signed in to %d", s.SignedIn(2))
		}

		var mail tg.AccountPasswordInputSettings
		mail.SetEmail("ann@example.org")
		s.refuses(2, update(s.proof(2, "secret"), mail), fault.EmailUnconfirmedN(6))
		s.refuses(2, &tg.AccountConfirmPasswordEmailRequest{Code: "x"}, fault.CodeInvalid)
		s.yes(2, &tg.AccountCancelPasswordEmailRequest{})
		s.refuses(2, &tg.AccountResendPasswordEmailRequest{}, fault.EmailHashExpired)
		s.refuses(2, update(s.proof(2, "secret"), mail), fault.EmailUnconfirmedN(6))
		s.yes(2, &tg.AccountResendPasswordEmailRequest{})
		s.yes(2, &tg.AccountConfirmPasswordEmailRequest{Code: s.Mail.Code()})
		var settings tg.AccountPasswordSettings
		s.Must(s.call(2, &tg.AccountGetPasswordSettingsRequest{Password: s.proof(2, "secret")}, &settings))
		if settings.Email != "ann@example.org" {
			t.Errorf("settings %+v", settings)
		}

		s.Pass(time.Hour)
		hash, code = s.SendCode(3, number)
		in = &tg.AuthSignInRequest{PhoneNumber: number, PhoneCodeHash: hash}
		in.SetPhoneCode(code)
		s.refuses(3, in, fault.SessionPasswordNeeded)
		var recovery tg.AuthPasswordRecovery
		s.Must(s.call(3, &tg.AuthRequestPasswordRecoveryRequest{}, &recovery))
		if recovery.EmailPattern != "a*n@example.org" {
			t.Errorf("recovery %+v", recovery)
		}
		s.refuses(3, &tg.AuthCheckRecoveryPasswordRequest{Code: "x"}, fault.CodeInvalid)
		s.yes(3, &tg.AuthCheckRecoveryPasswordRequest{Code: s.Mail.Code()})
		recover := &tg.AuthRecoverPasswordRequest{Code: s.Mail.Code()}
		recover.SetNewSettings(s.settings(3, "new"))
		s.Must(s.call(3, recover, &authorization))
		if s.SignedIn(3) != id {
			t.Errorf("signed in to %d", s.SignedIn(3))
		}
		s.refuses(3, &tg.AuthCheckPasswordRequest{Password: s.proof(3, "secret")}, fault.PasswordHashInvalid)

		var reset tg.AccountResetPasswordRequestedWait
		s.Must(s.call(3, &tg.AccountResetPasswordRequest{}, &reset))
		s.yes(3, &tg.AccountDeclinePasswordResetRequest{})
		var off tg.AccountPasswordInputSettings
		off.SetNewAlgo(&tg.PasswordKdfAlgoUnknown{})
		off.SetNewPasswordHash(nil)
		off.SetHint("")
		s.yes(3, update(s.proof(3, "new"), off))
		s.yes(3, &tg.AccountDeleteAccountRequest{})
		if s.SignedIn(1) != 0 || s.SignedIn(3) != 0 {
			t.Error("still signed in to a deleted account")
		}
	})
}

func TestLoginEmail(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.SignUp(1, "Ann")
		change := &tg.EmailVerifyPurposeLoginChange{}
		send := &tg.AccountSendVerifyEmailCodeRequest{Purpose: change, Email: "ann@example.org"}
		s.refuses(1, send, fault.EmailNotAllowed) // no mail server
		s.Email.Mail = s.Mail
		s.refuses(1, &tg.AccountSendVerifyEmailCodeRequest{Purpose: &tg.EmailVerifyPurposePassport{}}, fault.EmailNotAllowed)
		var sent tg.AccountSentEmailCode
		s.Must(s.call(1, send, &sent))
		verify := func(code string) *tg.AccountVerifyEmailRequest {
			return &tg.AccountVerifyEmailRequest{Purpose: change, Verification: &tg.EmailVerificationCode{Code: code}}
		}
		s.refuses(1, verify("x"), fault.CodeInvalid)
		var verified tg.AccountEmailVerified
		s.Must(s.call(1, verify(s.Mail.Code()), &verified))
		if verified.Email != "ann@example.org" || sent.Length != 6 {
			t.Errorf("verified %+v, sent %+v", verified, sent)
		}
		var p tg.AccountPassword
		s.Must(s.call(1, &tg.AccountGetPasswordRequest{}, &p))
		if p.LoginEmailPattern != "a*n@example.org" {
			t.Errorf("password %+v", p)
		}
	})
}

func TestProfile(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.SignUp(1, "Ann")
		_, _ = s.SignUp(2, "Bob")
		var user tg.User
		p := &tg.AccountUpdateProfileRequest{}
		p.SetFirstName("")
		s.refuses(1, p, fault.FirstnameInvalid)
		p.SetFirstName("Anna")
		p.SetAbout("Hello")
		s.Must(s.call(1, p, &user))
		s.refuses(1, &tg.AccountUpdateUsernameRequest{Username: "x"}, fault.UsernameInvalid)
		s.Must(s.call(1, &tg.AccountUpdateUsernameRequest{Username: "anna_lee"}, &user))
		var answer tg.BoolBox
		s.Must(s.call(2, &tg.AccountCheckUsernameRequest{Username: "anna_lee"}, &answer))
		if _, ok := answer.Bool.(*tg.BoolFalse); !ok {
			t.Error("a name of two")
		}
		s.yes(2, &tg.AccountCheckUsernameRequest{Username: "anna_lea"})
		s.refuses(1, &tg.AccountSetAccountTTLRequest{TTL: tg.AccountDaysTTL{Days: 1}}, fault.TTLDaysInvalid)
		s.yes(1, &tg.AccountSetAccountTTLRequest{TTL: tg.AccountDaysTTL{Days: 60}})
		s.yes(1, &tg.AccountSetAuthorizationTTLRequest{AuthorizationTTLDays: 60})
		s.yes(1, &tg.AccountUpdateStatusRequest{})
		var ttl tg.AccountDaysTTL
		s.Must(s.call(1, &tg.AccountGetAccountTTLRequest{}, &ttl))
		if ttl.Days != 60 {
			t.Errorf("ttl %+v", ttl)
		}
	})
}

// TestA14BindForeignKey tries to bind a temporary key to somebody else's permanent key, and holds
// M11: every field of the binding message must be what the query shows.
func TestA14BindForeignKey(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		now := s.Now().Unix()
		var permanent, foreign cipher.Key
		for i, k := range []*cipher.Key{&permanent, &foreign} {
			var b [cipher.KeySize]byte
			b[0] = byte(i + 1)
			*k = cipher.NewKey(b)
			s.keys[k.ID()] = *k
			s.Must(s.DB.Write(t.Context(), nil, func(tx *store.Tx) error { return tx.SaveAuthKey(k.ID(), []byte{}, now, 0) }))
		}
		const temporary = 77
		s.Must(s.DB.Write(t.Context(), nil, func(tx *store.Tx) error { return tx.SaveAuthKey(temporary, []byte{}, now, now+100) }))
		good := cipher.Bind{
			MessageID: 4, Nonce: 5, TempKeyID: temporary, PermKeyID: permanent.ID(), TempSessionID: 6, ExpiresAt: int32(now + 100),
		}
		bind := func(key cipher.Key, inner cipher.Bind) error {
			c := &rpc.Caller{TempKey: temporary, Session: 6, Message: 4}
			var answer tg.BoolBox
			return s.callAs(c, &tg.AuthBindTempAuthKeyRequest{
				PermAuthKeyID: permanent.ID(), Nonce: 5, ExpiresAt: int(now) + 100, EncryptedMessage: sealBind(key, inner),
			}, &answer)
		}
		for name, change := range map[string]func(*cipher.Bind){
			"message":   func(b *cipher.Bind) { b.MessageID++ },
			"nonce":     func(b *cipher.Bind) { b.Nonce++ },
			"temporary": func(b *cipher.Bind) { b.TempKeyID++ },
			"permanent": func(b *cipher.Bind) { b.PermKeyID++ },
			"session":   func(b *cipher.Bind) { b.TempSessionID++ },
			"expires":   func(b *cipher.Bind) { b.ExpiresAt++ },
		} {
			inner := good
			change(&inner)
			if err := bind(permanent, inner); !errors.Is(err, fault.EncryptedMessageInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		s.Want(bind(foreign, good), fault.EncryptedMessageInvalid)
		s.Must(bind(permanent, good))
	})
}

// sealBind is the client's side of a binding message, MTProto 1.0.
func sealBind(k cipher.Key, b cipher.Bind) []byte {
	long := binary.LittleEndian.AppendUint64
	plain := make([]byte, 16)
	plain = long(plain, uint64(b.MessageID))
	plain = append(plain, 0, 0, 0, 0, 40, 0, 0, 0)
	plain = binary.LittleEndian.AppendUint32(plain, 0x75a3f765)
	for _, v := range []int64{b.Nonce, b.TempKeyID, b.PermKeyID, b.TempSessionID} {
		plain = long(plain, uint64(v))
	}
	plain = binary.LittleEndian.AppendUint32(plain, uint32(b.ExpiresAt))
	sum := sha1.Sum(plain)
	plain = append(plain, make([]byte, -len(plain)&15)...)
	msgKey, s := sum[4:], k.Bytes()
	hash := func(parts ...[]byte) []byte {
		h := sha1.New()
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	x, y := hash(msgKey, s[:32]), hash(s[32:48], msgKey, s[48:64])
	z, w := hash(s[64:96], msgKey), hash(msgKey, s[96:128])
	key := append(append(append([]byte{}, x[:8]...), y[8:20]...), z[4:16]...)
	iv := append(append(append(append([]byte{}, x[8:20]...), y[:8]...), z[16:20]...), w[:8]...)
	cipher.EncryptIGE((*[32]byte)(key), (*[32]byte)(iv), plain)
	return append(append(long(nil, uint64(k.ID())), msgKey...), plain...)
}
