package help

import (
	"context"
	"hash/crc32"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

const (
	// captionLength is the length of a text under a file, in characters.
	captionLength = 1024
	// maxFileParts is how many parts of 512 KiB a file may have.
	maxFileParts = 8000
)

// getAppConfig tells clients what to offer and what not to.
//
// https://core.telegram.org/api/config#client-configuration
func (d Deps) getAppConfig(_ context.Context, _ *rpc.Caller, r *tg.HelpGetAppConfigRequest) (bin.Encoder, error) {
	config := appConfig()
	var b bin.Buffer
	if err := config.Encode(&b); err != nil {
		return nil, err
	}
	hash := int(int32(crc32.ChecksumIEEE(b.Buf)))
	if r.Hash == hash {
		return &tg.HelpAppConfigNotModified{}, nil
	}
	return &tg.HelpAppConfig{Hash: hash, Config: config}, nil
}

func appConfig() *tg.JSONObject {
	config := &tg.JSONObject{}
	set := func(key string, v tg.JSONValueClass) {
		config.Value = append(config.Value, tg.JSONObjectValue{Key: key, Value: v})
	}
	// Offered: signing in by QR code, quotes, a text about oneself.
	set("qr_login_camera", &tg.JSONBool{Value: true})
	set("qr_login_code", &tg.JSONString{Value: "primary"})
	set("quote_length_max", &tg.JSONNumber{Value: 1024})
	for _, who := range []string{"default", "premium"} {
		set("about_length_limit_"+who, &tg.JSONNumber{Value: 70})
		set("caption_length_limit_"+who, &tg.JSONNumber{Value: captionLength})
		set("upload_max_fileparts_"+who, &tg.JSONNumber{Value: maxFileParts})
		// Not offered: reactions. Nor are pinned conversations, but TDLib takes a limit of 0 for an error.
		set("reactions_user_max_"+who, &tg.JSONNumber{Value: 0})
	}
	// Nor stories, folders, archiving and things for money.
	set("stories_posting", &tg.JSONString{Value: "disabled"})
	set("dialog_filters_enabled", &tg.JSONBool{})
	set("autoarchive_setting_available", &tg.JSONBool{})
	set("premium_purchase_blocked", &tg.JSONBool{Value: true})
	set("stargifts_blocked", &tg.JSONBool{Value: true})
	set("giveaway_gifts_purchase_available", &tg.JSONBool{})
	return config
}
