package store

import (
	"errors"
	"fmt"
)

// Device is one client program of an account, known by its permanent authorization key.
//
// https://core.telegram.org/constructor/authorization
type Device struct {
	Key int64
	// Account is who is signed in, 0 if nobody; Pending is who gave the right login code and still
	// owes the password.
	Account, Pending int64
	// Parent is the device that handed its login to this one, 0 for a login of its own.
	Parent int64
	// Hash names the device among those of its account.
	Hash int64
	// Layer is the API layer it last spoke.
	Layer int
	// What initConnection said.
	APIID                                  int
	DeviceModel, SystemVersion, AppVersion string
	SystemLang, LangPack, LangCode         string
	// Created is when it signed in, Active when it was last heard of, in Unix seconds.
	Created, Active int64
	// IP is its truncated address, "" if none is kept.
	IP string
	// Qts counts the events of secret chats that went to it.
	Qts int64
	// Unconfirmed is a login that no other device has looked at yet.
	Unconfirmed bool
	// NoSecret and NoCalls say that it takes no secret chats and no calls.
	NoSecret, NoCalls bool
	// Deletion is when the account goes because this device asked for it without the password, in
	// Unix seconds, 0 for never.
	Deletion int64
}

const deviceColumns = `key, account, pending, parent, hash, layer, api_id, device_model, system_version,
	app_version, system_lang, lang_pack, lang_code, created, active, ip, qts, unconfirmed, no_secret, no_calls, deletion`

func scanDevice(row interface{ Scan(...any) error }) (d Device, err error) {
	err = row.Scan(&d.Key, &d.Account, &d.Pending, &d.Parent, &d.Hash, &d.Layer, &d.APIID, &d.DeviceModel,
		&d.SystemVersion, &d.AppVersion, &d.SystemLang, &d.LangPack, &d.LangCode, &d.Created, &d.Active,
		&d.IP, &d.Qts, &d.Unconfirmed, &d.NoSecret, &d.NoCalls, &d.Deletion)
	return d, err
}

// Device returns a device by its permanent key; ErrNoRows if nobody ever signed in on it.
func (t *Tx) Device(key int64) (Device, error) {
	d, err := scanDevice(t.Row(`SELECT `+deviceColumns+` FROM devices WHERE key = $1`, key))
	if err != nil {
		return Device{}, fmt.Errorf("device: %w", err)
	}
	return d, nil
}

// DeviceOf returns the account that is signed in on a permanent key, 0 if none.
func (t *Tx) DeviceOf(perm int64) (account int64, err error) {
	err = t.Row(`SELECT account FROM devices WHERE key = $1`, perm).Scan(&account)
	if errors.Is(err, ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("device: %w", err)
	}
	return account, nil
}

// DevicesOf returns the devices an account is signed in on, the one heard of last first. Devices
// that got their login from another one are among them.
func (t *Tx) DevicesOf(account int64) ([]Device, error) {
	return t.devices(`WHERE account = $1 ORDER BY active DESC, key`, account)
}

// PendingDevices returns the devices that owe the password of an account.
func (t *Tx) PendingDevices(account int64) ([]Device, error) {
	return t.devices(`WHERE pending = $1 ORDER BY active DESC, key`, account)
}

// IdleDevices returns at most limit devices not heard of for longer than their account allows.
func (t *Tx) IdleDevices(now int64, limit int) ([]Device, error) {
	return t.devices(`WHERE account <> 0 AND active + 86400 *
		(SELECT a.session_days FROM accounts a WHERE a.id = devices.account) < $1
		ORDER BY key LIMIT $2`, now, limit)
}

// DueDeletions returns at most limit accounts that a device asked to delete from now on.
func (t *Tx) DueDeletions(now int64, limit int) ([]int64, error) {
	return t.ids(`SELECT DISTINCT CASE WHEN account <> 0 THEN account ELSE pending END AS id FROM devices
		WHERE deletion > 0 AND deletion <= $1 AND account + pending <> 0 ORDER BY id LIMIT $2`, now, limit)
}

func (t *Tx) devices(where string, args ...any) ([]Device, error) {
	rows, err := t.Query(`SELECT `+deviceColumns+` FROM devices `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	defer rows.Close()
	var list []Device
	for rows.Next() {
		d, err := scanDevice(rows)
		if err != nil {
			return nil, fmt.Errorf("list devices: %w", err)
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

// SaveDevice writes a device as it is now, all but its qts, which starts at 0 and only rises.
func (t *Tx) SaveDevice(d Device) error {
	_, err := t.Exec(`INSERT INTO devices (key, account, pending, parent, hash, layer, api_id, device_model,
			system_version, app_version, system_lang, lang_pack, lang_code, created, active, ip,
			unconfirmed, no_secret, no_calls, deletion)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
		ON CONFLICT (key) DO UPDATE SET account = excluded.account, pending = excluded.pending,
			parent = excluded.parent, hash = excluded.hash, layer = excluded.layer, api_id = excluded.api_id,
			device_model = excluded.device_model, system_version = excluded.system_version,
			app_version = excluded.app_version, system_lang = excluded.system_lang,
			lang_pack = excluded.lang_pack, lang_code = excluded.lang_code, created = excluded.created,
			active = excluded.active, ip = excluded.ip, unconfirmed = excluded.unconfirmed,
			no_secret = excluded.no_secret, no_calls = excluded.no_calls, deletion = excluded.deletion`,
		d.Key, d.Account, d.Pending, d.Parent, d.Hash, d.Layer, d.APIID, d.DeviceModel,
		d.SystemVersion, d.AppVersion, d.SystemLang, d.LangPack, d.LangCode, d.Created, d.Active, d.IP,
		bit(d.Unconfirmed), bit(d.NoSecret), bit(d.NoCalls), d.Deletion)
	if err != nil {
		return fmt.Errorf("save device: %w", err)
	}
	return nil
}

// TouchDevice notes what a signed-in device said of itself and that it, and so its account, was
// heard of at d.Active. Only Key, Layer, what initConnection says, Active and IP of d count; a
// device nobody is signed in on is left alone.
func (t *Tx) TouchDevice(d Device) error {
	_, err := t.Exec(`UPDATE devices SET layer = $2, api_id = $3, device_model = $4, system_version = $5,
			app_version = $6, system_lang = $7, lang_pack = $8, lang_code = $9, active = $10, ip = $11
		WHERE key = $1 AND account <> 0`,
		d.Key, d.Layer, d.APIID, d.DeviceModel, d.SystemVersion, d.AppVersion,
		d.SystemLang, d.LangPack, d.LangCode, d.Active, d.IP)
	if err != nil {
		return fmt.Errorf("touch device: %w", err)
	}
	return nil
}

// DeleteDevice signs a device out; its key stays.
func (t *Tx) DeleteDevice(key int64) error {
	if _, err := t.Exec(`DELETE FROM devices WHERE key = $1`, key); err != nil {
		return fmt.Errorf("delete device: %w", err)
	}
	return nil
}

// DevicesUnder returns the keys of the devices that got their login from parent.
func (t *Tx) DevicesUnder(parent int64) ([]int64, error) {
	return t.ids(`SELECT key FROM devices WHERE parent = $1 AND parent <> 0`, parent)
}

// ForgetAddresses empties the addresses of devices not heard of since before.
func (t *Tx) ForgetAddresses(before int64) error {
	if _, err := t.Exec(`UPDATE devices SET ip = '' WHERE ip <> '' AND active < $1`, before); err != nil {
		return fmt.Errorf("forget addresses: %w", err)
	}
	return nil
}
