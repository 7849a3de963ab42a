package transcode

import (
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/uncovered.txt")

// reasons say why a difference needs no rule, by the beginning of its line in
// testdata/uncovered.txt; the longest that fits counts. A difference without a
// reason fails TestUncovered.
var reasons = map[string]string{
	"down answer phone.":                                       "calls are refused",
	"down answer stats.":                                       "statistics are refused",
	"down constructor BotInlineMessage":                        "that result is left out of the list",
	"down constructor ChannelAdminLogEventAction":              "that event is left out of the log",
	"down constructor DialogFilter":                            "that folder is left out",
	"down constructor EmojiGroup":                              "that group is left out",
	"down constructor EmojiStatus":                             "only sent by clients",
	"down constructor InlineQueryPeerType":                     "optional",
	"down constructor InputFile":                               "only sent by clients",
	"down constructor InputGroupCall":                          "calls are refused",
	"down constructor InputMedia":                              "only sent by clients, or optional in a draft",
	"down constructor InputReplyTo":                            "optional in a draft",
	"down constructor InputStickerSet":                         "optional, else the attribute is left out",
	"down constructor KeyboardButton":                          "that button is left out",
	"down constructor MediaArea":                               "that area is left out",
	"down constructor MessageEntity":                           "the text stays, that formatting is left out",
	"down constructor MessageReplyHeader":                      "optional: the message stays",
	"down constructor MessagesFilter":                          "that counter is left out",
	"down constructor PeerColor":                               "optional: the default colour is shown",
	"down constructor PhoneCallDiscardReason":                  "optional",
	"down constructor PollAnswer":                              "only sent by clients",
	"down constructor PrepaidGiveaway":                         "that entry is left out",
	"down constructor PrivacyKey":                              "the update about a setting the layer lacks is left out",
	"down constructor PrivacyRule":                             "that rule is left out of the list",
	"down constructor Reaction":                                "that reaction is left out",
	"down constructor RequestPeerType":                         "that button is left out",
	"down constructor SavedDialog":                             "that dialog is left out",
	"down constructor SendMessageAction":                       "only sent by clients",
	"down constructor StarGift":                                "gifts are refused",
	"down constructor StarsAmount":                             "payments are refused",
	"down constructor StoryView":                               "that view is left out",
	"down constructor TopPeerCategory":                         "that category is left out",
	"down constructor Update ":                                 "the layer has no such event; left out, pts are still counted",
	"down constructor WebPageAttribute":                        "that attribute is left out",
	"down constructor auth.SentCode ":                          "the answer is refused; the server never sends it",
	"down constructor auth.SentCodeType":                       "the answer is refused; the server sends no SMS words",
	"down constructor payments.":                               "payments are refused",
	"down field inputMediaInvoice.provider":                    "only sent by clients",
	"down field messages.chatInviteJoinResultWebView.query_id": "the answer is refused; the server has no guard bots",
	"down field pageListOrderedItem":                           "an empty number is shown as none",
	"down field payments.":                                     "payments are refused",
	"down field pollAnswerVoters.voters":                       "hidden results are shown as none",
	"down field stats.":                                        "statistics are refused",
	"down field updateChannelPinnedTopic":                      "left out where the peer is no channel",
	"down field updateGroupCall":                               "left out; calls are refused",
	"down field urlAuthResultAccepted.url":                     "empty where there is none",
	"down field webPageAttributeStarGiftAuction":               "gifts are refused; black",
	"down field webViewResultUrl.query_id":                     "0 where there is none",
	"down optional botBusinessConnection.":                     "business bots are refused",
	"down optional botCommand.ephemeral":                       "no ephemeral messages in 227",
	"down optional channel.linked_community_id":                "no communities in 227",
	"down optional chatAdminRights.":                           "no communities in 227",
	"down optional chatBannedRights.":                          "no communities in 227",
	"down optional config.ignore_phone_entities":               "phone numbers are entities",
	"down optional config.pfs_enabled":                         "clients decide themselves",
	"down optional config.phonecalls_enabled":                  "calls are refused",
	"down optional connectedBot.":                              "business bots are refused",
	"down optional groupCall":                                  "calls are refused",
	"down optional phoneCall":                                  "calls are refused",
	"down optional sponsoredMessage.":                          "there is no advertising",
	"down optional stickerSet.":                                "the files of the set tell",
	"down optional user.linked_community_id":                   "no communities in 227",
	"down optional userFull.premium_gifts":                     "payments are refused",
	"up constructor Chat ":                                     "refused: only sent by servers",
	"up constructor InputAiComposeTone":                        "refused: not in 227",
	"up constructor InputDialogPeer":                           "refused: no communities in 227",
	"up constructor InputNotifyPeer":                           "refused: no communities in 227",
	"up constructor InputReplyTo":                              "refused: no ephemeral messages in 227",
	"up constructor InputStorePaymentPurpose":                  "refused: payments are",
	"up constructor PhoneCallDiscardReason":                    "refused: calls are",
	"up constructor RichText":                                  "refused: not in 227",
	"up constructor method communities.":                       "refused: no communities in 227",
	"up constructor method ephemeral.":                         "refused: no ephemeral messages in 227",
	"up constructor method folders.deleteFolder":               "refused: not in 227, and there is one folder only",
	"up constructor method help.getAppChangelog":               "refused: not in 227",
	"up constructor method messages.":                          "refused: not in 227",
	"up constructor method payments.":                          "refused: payments are",
	"up constructor method stats.":                             "refused: statistics are",
	"up field account.updateConnectedBot":                      "refused: rights cannot be told",
	"up field autoDownloadSettings.":                           "0 means no limit of its own",
	"up field botCommand.ephemeral":                            "refused: no ephemeral messages in 227",
	"up field channel.linked_community_id":                     "refused: only sent by servers",
	"up field channels.getAdminedPublicChannels":               "refused: no communities in 227",
	"up field channels.toggleForum.tabs":                       "no tabs, as before",
	"up field help.getAppConfig.hash":                          "0 asks for the whole",
	"up field inputInvoiceStars.":                              "refused: payments are",
	"up field inputStorePaymentAuthCode.":                      "payments are refused",
	"up field messages.composeMessageWithAI":                   "refused: not in 227",
	"up field messages.getPollResults.poll_hash":               "0 asks for the whole",
	"up field messages.searchGlobal.community":                 "refused: no communities in 227",
	"up field payments.":                                       "refused: payments are",
	"up field phone.":                                          "refused: calls are",
	"up field poll.hash":                                       "0: the server knows its polls",
	"up field stats.":                                          "refused: statistics are",
}

// TestUncovered lists every difference between 227 and the other layers that a
// server meets and no rule bridges, and wants a reason for each.
func TestUncovered(t *testing.T) {
	s := load()
	found := map[string][]int{}
	for _, layer := range s.layers {
		if layer == Canonical {
			continue
		}
		for line := range uncovered(s, layer) {
			found[line] = append(found[line], layer)
		}
	}
	var lines []string
	for line, layers := range found {
		reason := ""
		best := -1
		for prefix, text := range reasons {
			if strings.HasPrefix(line, prefix) && len(prefix) > best {
				reason, best = text, len(prefix)
			}
		}
		if best < 0 {
			t.Errorf("no reason for: %s", line)
		}
		lines = append(lines, fmt.Sprintf("%s [%d-%d] %s\n", line, layers[0], layers[len(layers)-1], reason))
	}
	sort.Strings(lines)
	got := strings.Join(lines, "")
	const golden = "testdata/uncovered.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || got != string(want) {
		t.Errorf("%s is stale (go test -update writes it): %v", golden, err)
	}
}

// uncovered returns the differences between a layer and 227 that lose
// something: downwards for what answers and updates can hold, upwards for what
// queries can.
func uncovered(s *schema, layer int) map[string]bool {
	lines := map[string]bool{}
	down, up := newPair(s, Canonical, layer, false), newPair(s, layer, Canonical, true)
	var answers, queries []*typ
	answers = append(answers, s.typs["Updates"])
	for _, d := range s.defs {
		if !d.method {
			continue
		}
		if d.layers.has(layer) {
			queries = append(queries, typesOf(d)...)
			lostOf(lines, "up", up.compile(d, d.result), d)
		}
		if there := down.counterpart(d); there != nil && d.layers.has(Canonical) {
			answers = append(answers, there.result)
			if c, ok := down.conv(d.result, there.result); !ok || c == nil && d.result != there.result {
				lines[fmt.Sprintf("down answer %s %s>%s", d.name, d.result.name, there.result.name)] = true
			}
		}
	}
	for _, ty := range reach(s, answers, layer) {
		for _, d := range s.classes[ty.class] {
			if _, ok := standIns[ty.name]; d.layers.has(Canonical) && !(ok && ty.name != "Update" && ty.name != "Updates") {
				lostOf(lines, "down", down.plan(d), d)
			}
		}
	}
	for _, ty := range reach(s, queries, layer) {
		for _, d := range s.classes[ty.class] {
			if d.layers.has(layer) {
				lostOf(lines, "up", up.plan(d), d)
			}
		}
	}
	return lines
}

// lostOf notes what a plan does not carry over. Downwards a field that the old
// layer lacks is no loss, and an optional one may be missing.
func lostOf(lines map[string]bool, direction string, pl *plan, d *def) {
	if pl.dst == nil {
		kind := d.result.name
		if d.method {
			kind = "method"
		}
		lines[fmt.Sprintf("%s constructor %s %s", direction, kind, d.name)] = true
		return
	}
	for i := range pl.steps {
		s := &pl.steps[i]
		if s.f.typ.shape == shapeFlags {
			continue
		}
		if s.make != nil {
			continue
		}
		key := pl.dst.name + "." + s.f.name
		switch {
		case s.src < 0 && !s.f.optional():
			if _, ok := constants[key]; !ok {
				lines[fmt.Sprintf("%s field %s:%s has no source", direction, key, s.f.typ.name)] = true
			}
		case s.src < 0 && s.f.typ.shape == shapeTrue && len(s.group) > 0:
			// its flag is set with the value beside it
		case s.src < 0 && direction == "down" && d.find(s.f.name) < 0:
			lines[fmt.Sprintf("down optional %s:%s has no source", key, s.f.typ.name)] = true
		case s.src < 0 && d.find(s.f.name) >= 0:
			lines[fmt.Sprintf("%s field %s:%s has another type", direction, key, s.f.typ.name)] = true
		case s.src >= 0 && d.fields[s.src].optional() && !s.f.optional() && s.f.typ.shape != shapeBool && !s.must:
			if f := &d.fields[s.src]; f.typ.shape != shapeVector {
				lines[fmt.Sprintf("%s field %s:%s may be missing", direction, key, s.f.typ.name)] = true
			}
		}
	}
	for _, i := range pl.left {
		f := &d.fields[i]
		lines[fmt.Sprintf("up field %s.%s:%s is refused", d.name, f.name, f.typ.name)] = true
	}
}

// typesOf returns the types of the fields of a definition.
func typesOf(d *def) []*typ {
	var list []*typ
	for i := range d.fields {
		list = append(list, d.fields[i].typ)
	}
	return list
}

// reach returns the classes within types, as a layer has them.
func reach(s *schema, todo []*typ, layer int) []*typ {
	seen := map[*typ]bool{}
	var list []*typ
	for len(todo) > 0 {
		ty := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for ty.shape == shapeVector {
			ty = ty.elem
		}
		if ty.shape != shapeClass || seen[ty] {
			continue
		}
		seen[ty] = true
		list = append(list, ty)
		for _, d := range s.classes[ty.class] {
			if d.layers.has(layer) {
				todo = append(todo, typesOf(d)...)
			}
		}
	}
	return list
}
