package session

import (
	"errors"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/mt"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/rpc"
	"github.com/chappe-im/chappe/internal/tl/transcode"
)

// Wrappers around queries have had these numbers in every layer served.
//
// https://core.telegram.org/api/invoking
const (
	invokeWithLayer                = 0xda9b0d0d
	invokeAfterMsg                 = 0xcb9f372d
	invokeAfterMsgs                = 0x3dc4b4f0
	invokeWithoutUpdates           = 0xbf9459b7
	invokeWithMessagesRange        = 0x365275f2
	invokeWithTakeout              = 0xaca9fd2e
	initConnection                 = 0xc1cd5ea9
	maxWrappers                    = 8
	maxAfter                       = 1024
	bindTempAuthKey         uint32 = tg.AuthBindTempAuthKeyRequestTypeID
)

// unwrapLocked takes the wrappers off a query, keeps what they say, and returns the bare query.
func (s *Session) unwrapLocked(in *batch, q *query, e *envelope) ([]byte, *fault.Error) {
	b := &bin.Buffer{Buf: e.body}
	updates := true
	for range maxWrappers {
		id, err := b.PeekID()
		if err != nil {
			return nil, fault.InputFetchError
		}
		switch id {
		case invokeWithLayer:
			err = s.readLayerLocked(b)
		case initConnection:
			err = s.readInitLocked(b)
		case invokeAfterMsg:
			err = readAfter(b, q)
		case invokeAfterMsgs:
			err = readAfterAll(b, q)
		case invokeWithoutUpdates:
			b.Skip(4)
			updates = false
		case invokeWithTakeout:
			if b.Len() < 12 {
				return nil, fault.InputFetchError
			}
			b.Skip(12)
		case invokeWithMessagesRange:
			if b.Len() < 16 {
				return nil, fault.InputFetchError
			}
			b.Skip(16)
		case mt.GzipPackedTypeID: // TDLib packs what is inside its wrappers
			if e.unpacked {
				return nil, fault.InputFetchError
			}
			e.unpacked = true
			b.Buf, err = in.unpack(b.Buf)
		default:
			if updates && !s.updates && id != bindTempAuthKey { // which no session can wrap before it is bound
				s.subscribeLocked()
			}
			return b.Buf, nil
		}
		if err != nil {
			return nil, asFault(err)
		}
	}
	return nil, fault.InputFetchError
}

// subscribeLocked has the session told of updates from now on. What its device missed before, it has
// to ask for, and hears so: mtcute and gotd draw no conclusion from new_session_created.
//
// https://core.telegram.org/api/updates#recovering-gaps
func (s *Session) subscribeLocked() {
	s.updates = true
	if d := s.key.device.Load(); d != nil && d.account.Load() != 0 {
		s.queueLocked(message{body: updatesTooLong, content: true, push: true})
	}
}

// asFault turns an error of reading a query into what the client is told.
func asFault(err error) *fault.Error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	return fault.InputFetchError
}

func (s *Session) readLayerLocked(b *bin.Buffer) error {
	b.Skip(4)
	layer, err := b.Int()
	if err != nil {
		return err
	}
	known, ok := transcode.Schema(layer)
	if !ok {
		return fault.ConnectionLayerInvalid
	}
	s.layer = int16(known)
	if d := s.key.device.Load(); d != nil {
		d.layer.Store(int32(known))
	}
	return nil
}

// readInitLocked keeps what a client says about itself.
//
// https://core.telegram.org/method/initConnection
func (s *Session) readInitLocked(b *bin.Buffer) error {
	b.Skip(4)
	var flags bin.Fields
	if err := flags.Decode(b); err != nil {
		return err
	}
	app := new(rpc.App)
	var err error
	if app.ID, err = b.Int(); err != nil {
		return err
	}
	for _, field := range []*string{&app.DeviceModel, &app.SystemVersion, &app.AppVersion, &app.SystemLangCode, &app.LangPack, &app.LangCode} {
		if *field, err = b.String(); err != nil {
			return err
		}
		*field = clip(*field, 64)
	}
	if flags.Has(0) {
		var proxy tg.InputClientProxy
		if err := proxy.Decode(b); err != nil {
			return err
		}
	}
	if flags.Has(1) {
		if err := skipJSON(b, 0); err != nil {
			return err
		}
	}
	if s.app == nil || *s.app != *app {
		s.noteLocked(app)
	}
	return nil
}

// noteEvery is how often a session may have something else stored about its device, and noteAgain
// how often it has the same stored while its client is there, lest a device in use be taken for
// abandoned.
const (
	noteEvery = time.Minute
	noteAgain = time.Hour
)

// noteLocked keeps the description of a client's device, and has it stored.
func (s *Session) noteLocked(app *rpc.App) {
	s.app = app
	d := s.key.device.Load()
	if d == nil {
		return
	}
	if known := d.app.Load(); known != nil && *known == *app {
		s.app = known // all sessions of a device share one
	} else {
		d.app.Store(app)
	}
	if s.hub.Now().Unix() < s.noted+int64(noteEvery/time.Second) {
		return
	}
	s.storeLocked(d, app)
}

// noteAgainLocked has the device of a client that is there stored once more, if it is time: not for
// all clients in the same second that came in the same second.
func (s *Session) noteAgainLocked(now time.Time) {
	d, after := s.key.device.Load(), int64(noteAgain/time.Second)+s.id&1023
	if s.conn == nil || d == nil || d.account.Load() == 0 || now.Unix() < s.noted+after {
		return
	}
	app := s.app
	if app == nil {
		app = d.app.Load()
	}
	if app != nil {
		s.storeLocked(d, app)
	}
}

// storeLocked has what is known of a device stored.
func (s *Session) storeLocked(d *device, app *rpc.App) {
	if !s.hub.enter() {
		return
	}
	s.noted = s.hub.Now().Unix()
	c := rpc.Caller{Key: d.key, Account: d.account.Load(), Layer: int(s.layer), App: *app}
	if s.conn != nil {
		c.IP = s.conn.wire.Remote()
	}
	s.hub.workers.run(taskFunc(func() {
		defer s.hub.running.Done()
		if err := s.hub.Keys.Seen(s.hub.ctx, c); err != nil {
			s.hub.Log.Error("device not noted", "err", err)
		}
	}))
}

// skipJSON skips a JSONValue; values nest no deeper than 32.
func skipJSON(b *bin.Buffer, depth int) error {
	id, err := b.ID()
	if err != nil {
		return err
	}
	if depth > 32 {
		return fault.InputFetchError
	}
	switch id {
	case tg.JSONNullTypeID:
		return nil
	case tg.JSONBoolTypeID:
		_, err = b.Bool()
	case tg.JSONNumberTypeID:
		_, err = b.Double()
	case tg.JSONStringTypeID:
		_, err = b.Bytes()
	case tg.JSONArrayTypeID, tg.JSONObjectTypeID:
		var n int
		if n, err = b.VectorHeader(); err != nil {
			return err
		}
		for range n {
			if id == tg.JSONObjectTypeID {
				if err := skipKey(b); err != nil {
					return err
				}
			}
			if err := skipJSON(b, depth+1); err != nil {
				return err
			}
		}
	default:
		return fault.InputFetchError
	}
	return err
}

func skipKey(b *bin.Buffer) error {
	if err := b.ConsumeID(tg.JSONObjectValueTypeID); err != nil {
		return err
	}
	_, err := b.Bytes()
	return err
}

func readAfter(b *bin.Buffer, q *query) error {
	b.Skip(4)
	id, err := b.Long()
	q.after = append(q.after, id)
	return err
}

func readAfterAll(b *bin.Buffer, q *query) error {
	b.Skip(4)
	n, err := b.VectorHeader()
	if err != nil || n > maxAfter {
		return fault.InputFetchError
	}
	for range n {
		id, err := b.Long()
		if err != nil {
			return err
		}
		q.after = append(q.after, id)
	}
	return nil
}

// clip cuts a string to at most n bytes, at a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}

// refusal turns an error of translating a query into what the client is told.
func refusal(err error) *fault.Error {
	var unknown *transcode.UnknownError
	if errors.As(err, &unknown) {
		return fault.InputMethodInvalid
	}
	return fault.InputFetchError
}
