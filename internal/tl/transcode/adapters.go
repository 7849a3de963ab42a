package transcode

import "strings"

// The adapters do what no table can: build one field of several, and find
// something to stand in for an object that cannot be expressed.

// unsupportedAction is what an old client shows for an event it cannot.
const unsupportedAction = "This event cannot be shown by this version of the app."

// made is a maker for a field. It is used when the source has the first of the
// fields from; it takes care of them all.
type made struct {
	from []string
	bind func(p *pair, d *def, f *field) maker
}

// makers are keyed as formerFields.
var makers = map[string]made{
	"account.updateColor.color":             {[]string{"background_emoji_id", "color"}, makeColor},
	"inputMediaPoll.correct_answers":        {[]string{"correct_answers"}, makeAnswers},
	"messages.prolongWebView.reply_to":      {replyFields, makeReply},
	"messages.report.option":                {[]string{"reason"}, makeOption},
	"messages.requestWebView.reply_to":      {replyFields, makeReply},
	"messages.saveDraft.reply_to":           {replyFields, makeReply},
	"messages.sendInlineBotResult.reply_to": {replyFields, makeReply},
	"messages.sendMedia.reply_to":           {replyFields, makeReply},
	"messages.sendMessage.reply_to":         {replyFields, makeReply},
	"messages.sendMultiMedia.reply_to":      {replyFields, makeReply},
	"stories.report.option":                 {[]string{"reason"}, makeOption},
}

// replyFields are what InputReplyTo was before.
var replyFields = []string{"reply_to_msg_id", "top_msg_id"}

// makeReply builds inputReplyToMessage from reply_to_msg_id and top_msg_id. A
// message into a topic that answers no other answers the topic's first
// (core.telegram.org/api/forum).
func makeReply(p *pair, d *def, _ *field) maker {
	reply := p.s.in(p.dst, "inputReplyToMessage", false)
	id, top := d.find("reply_to_msg_id"), d.find("top_msg_id")
	return func(t *tr, o *object) (bool, error) {
		hasTop := top >= 0 && o.has(top)
		if !o.has(id) && !hasTop {
			return false, nil
		}
		t.putUint32(reply.id)
		if hasTop {
			t.putUint32(1)
		} else {
			t.putUint32(0)
		}
		if o.has(id) {
			t.copyField(o, id)
		} else {
			t.copyField(o, top)
		}
		if hasTop {
			t.copyField(o, top)
		}
		return true, nil
	}
}

// makeOption turns a ReportReason into the option of a report: the name of the
// reason, as "ChildAbuse".
func makeOption(_ *pair, d *def, _ *field) maker {
	reason := d.find("reason")
	return func(t *tr, o *object) (bool, error) {
		t.pos = int(o.ofs[reason])
		r, err := t.open(d.fields[reason].typ)
		if err != nil {
			return false, err
		}
		t.depth--
		t.putText([]byte(strings.TrimPrefix(r.name, "inputReportReason")))
		return true, nil
	}
}

// makeColor builds a peerColor from a color and an emoji that were apart.
func makeColor(p *pair, d *def, _ *field) maker {
	made := p.s.in(p.dst, "peerColor", false)
	color, emoji := d.find("color"), d.find("background_emoji_id")
	return func(t *tr, o *object) (bool, error) {
		if !o.has(color) && !o.has(emoji) {
			return false, nil
		}
		t.putUint32(made.id)
		at := len(t.out)
		t.putUint32(0)
		if o.has(color) {
			t.out[at] |= 1
			t.copyField(o, color)
		}
		if o.has(emoji) {
			t.out[at] |= 2
			t.copyField(o, emoji)
		}
		return true, nil
	}
}

// copyField copies a field as it is.
func (t *tr) copyField(o *object, i int) {
	t.out = append(t.out, t.in[o.ofs[i]:o.ofs[i+1]]...)
}

// makeAnswers turns the options of correct answers, which name them, into
// their places in the poll (core.telegram.org/constructor/inputMediaPoll).
func makeAnswers(p *pair, d *def, f *field) maker {
	given, poll := d.find("correct_answers"), d.find("poll")
	if !p.up || d.fields[given].typ == f.typ {
		return nil
	}
	return func(t *tr, o *object) (bool, error) {
		if !o.has(given) {
			return false, nil
		}
		t.pos = int(o.ofs[poll])
		options, err := t.pollOptions(d.fields[poll].typ)
		if err != nil {
			return false, err
		}
		t.pos = int(o.ofs[given])
		n, err := t.vector()
		if err != nil {
			return false, err
		}
		t.putUint32(vectorID)
		t.putUint32(uint32(n))
		for range n {
			option, err := t.text()
			if err != nil {
				return false, err
			}
			place, ok := options[string(option)]
			if !ok {
				return false, t.lost(o.def.id)
			}
			t.putUint32(place)
		}
		return true, nil
	}
}

// pollOptions reads the poll at t.pos and returns the place of each option.
func (t *tr) pollOptions(ty *typ) (map[string]uint32, error) {
	poll, err := t.enter(ty)
	if err != nil {
		return nil, err
	}
	defer t.leave(poll)
	answers := poll.def.find("answers")
	if answers < 0 {
		return nil, t.lost(poll.def.id)
	}
	t.pos = int(poll.ofs[answers])
	n, err := t.vector()
	if err != nil {
		return nil, err
	}
	options := map[string]uint32{}
	for i := range n {
		answer, err := t.enter(poll.def.fields[answers].typ.elem)
		if err != nil {
			return nil, err
		}
		end := t.pos
		if option := answer.def.find("option"); option >= 0 {
			t.pos = int(answer.ofs[option])
			name, err := t.text()
			if err != nil {
				return nil, err
			}
			options[string(name)] = uint32(i)
		}
		t.pos = end
		t.leave(answer)
	}
	return options, nil
}

// standIns write something in place of an object that cannot be expressed, by
// its class. They are used downwards only.
var standIns map[string]func(t *tr, o *object) error

func init() { // they translate parts, whose classes may have stand-ins
	standIns = map[string]func(t *tr, o *object) error{
		"Message":        standForMessage,
		"MessageAction":  standForAction,
		"MessageMedia":   func(t *tr, _ *object) error { return t.putEmpty("messageMediaUnsupported") },
		"PageBlock":      func(t *tr, _ *object) error { return t.putEmpty("pageBlockUnsupported") },
		"RichText":       standForRichText,
		"Update":         standForUpdate,
		"Updates":        standForUpdates,
		"help.PromoData": standForPromo,
	}
}

// putEmpty appends an object without fields.
func (t *tr) putEmpty(name string) error {
	d := t.s.in(t.dst, name, false)
	if d == nil || len(d.fields) > 0 {
		return errLost
	}
	t.putUint32(d.id)
	return nil
}

// put appends the id of a constructor and then the source's fields of these
// names, which have the same type in both.
func (t *tr) put(o *object, name string, fields ...string) error {
	d := t.s.in(t.dst, name, false)
	if d == nil {
		return errLost
	}
	t.putUint32(d.id)
	for _, f := range fields {
		i := o.def.find(f)
		if i < 0 || !o.has(i) {
			return errLost
		}
		t.copyField(o, i)
	}
	return nil
}

// standForMessage keeps the place of a message: messageEmpty.
func standForMessage(t *tr, o *object) error {
	id := o.def.find("id")
	d := t.s.in(t.dst, "messageEmpty", false)
	if id < 0 || d == nil {
		return errLost
	}
	t.putUint32(d.id)
	t.putUint32(0)
	t.copyField(o, id)
	return nil
}

// standForAction says that something happened.
func standForAction(t *tr, _ *object) error {
	d := t.s.in(t.dst, "messageActionCustomAction", false)
	if d == nil {
		return errLost
	}
	t.putUint32(d.id)
	t.putText([]byte(unsupportedAction))
	return nil
}

// standForRichText keeps the text of a formatting that is not known.
func standForRichText(t *tr, o *object) error {
	text := o.def.find("text")
	if text < 0 || o.def.fields[text].typ != o.def.result {
		return t.putEmpty("textEmpty")
	}
	t.pos = int(o.ofs[text])
	return t.class(o.def.result, t.plan)
}

// standForUpdate keeps the count of events (core.telegram.org/api/updates) when
// one of them cannot be told.
func standForUpdate(t *tr, o *object) error {
	pts, count := o.def.find("pts"), o.def.find("pts_count")
	if pts < 0 || count < 0 {
		return errLost
	}
	var err error
	if o.def.find("channel_id") >= 0 {
		err = t.put(o, "updateDeleteChannelMessages", "channel_id")
	} else {
		err = t.put(o, "updateDeleteMessages")
	}
	if err != nil {
		return err
	}
	t.putUint32(vectorID)
	t.putUint32(0)
	t.copyField(o, pts)
	t.copyField(o, count)
	return nil
}

// standForUpdates sends no updates in place of an updateShort whose update
// cannot be told.
func standForUpdates(t *tr, o *object) error {
	date := o.def.find("date")
	if o.def.name != "updateShort" || date < 0 {
		return errLost
	}
	if err := t.put(o, "updates"); err != nil {
		return err
	}
	for range 3 { // updates, users, chats
		t.putUint32(vectorID)
		t.putUint32(0)
	}
	t.copyField(o, date)
	t.putUint32(0) // seq
	return nil
}

// standForPromo says that there is nothing to promote.
func standForPromo(t *tr, o *object) error {
	return t.put(o, "help.promoDataEmpty", "expires")
}
