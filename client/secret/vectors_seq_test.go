package secret

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gotd/td/tg/e2e"

	"github.com/chappe-im/chappe/client/internal/dh"
)

// script is a conversation of two sides, as secret_seq has them.
type script struct {
	t      *testing.T
	env    Env
	sides  map[string]*Chat
	frames map[string][]byte // latest bytes of each frame
	ids    map[int64]string  // frames by random_id
}

type scriptStep struct {
	Do, By, To, ID string
	Frame          json.RawMessage
	Message        scriptMessage
	Wire           scriptWire
	Sent           *scriptFrame
	Rewritten      *scriptFrame
	Expect         scriptExpect
}

type scriptMessage struct {
	Type   string `json:"_"`
	Start  int    `json:"start_seq_no"`
	End    int    `json:"end_seq_no"`
	Layer  int
	Frames []string
}

type scriptWire struct {
	In    int `json:"in_seq_no"`
	Out   int `json:"out_seq_no"`
	Layer int
}

type scriptFrame struct {
	ID      string
	Message scriptMessage
	Wire    scriptWire
	scriptWire
}

type scriptExpect struct {
	Verdict                         string
	Applied, Dropped, Resent, Acked []string
	Sent                            []scriptFrame
	ClosedByQueued                  *struct{ ID string } `json:"closed_by_queued"`
	State                           scriptState
}

type scriptState struct {
	Closed         bool
	In             int32 `json:"raw_in"`
	Out            int32 `json:"raw_out"`
	PeerHas        int32 `json:"peer_has"`
	PeerLayer      int   `json:"peer_layer"`
	Layer          int   `json:"send_layer"`
	Queued, Stored []string
}

// readyChat returns an open chat that has nothing to say by itself.
func readyChat(role Role, key *chatKey, g Group) *Chat {
	s := newState(role, Ready, g, nil)
	s.Key, s.Picture, s.Told, s.Seen, s.Keyed = key, key.picture(), Layer, noon, noon
	return &Chat{s}
}

func knownGroup(t testing.TB) Group {
	g, err := NewGroup(3, dh.KnownPrime.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func newRand(seed uint64) *rand.ChaCha8 {
	return rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), 7})
}

func TestSequenceVectors(t *testing.T) {
	g := knownGroup(t)
	forVectors(t, "secret_seq", nil, nil, func(t *testing.T, v vector) {
		var in struct{ Steps []scriptStep }
		var out struct{ Final map[string]scriptState }
		parse(t, v.Input, &in)
		parse(t, v.Expected, &out)
		key := newChatKey([256]byte{1, 2, 3})
		s := &script{
			t: t, env: Env{noon, newRand(1)}, frames: map[string][]byte{}, ids: map[int64]string{},
			sides: map[string]*Chat{"A": readyChat(Originator, key, g), "B": readyChat(Acceptor, key, g)},
		}
		for i, step := range in.Steps {
			s.run(step)
			if t.Failed() {
				t.Fatalf("at step %d: %+v", i, step)
			}
		}
		verdict := "accept"
		for side, want := range out.Final {
			s.checkState(s.sides[side], want)
			if s.sides[side].Phase() == Closed {
				verdict = "close"
			}
		}
		judge(t, v, verdict)
	})
}

func (s *script) run(step scriptStep) {
	switch step.Do {
	case "send":
		res := s.must(s.say(s.sides[step.By], step.ID, step.Message))
		s.checkSent(step.By, res.Send, []scriptFrame{{ID: step.ID, Message: step.Message, Wire: step.Wire}})
	case "delete":
		s.delete(step)
	case "deliver":
		var id string
		parse(s.t, step.Frame, &id)
		s.deliver(step.To, s.frames[id], step.Expect)
	case "inject":
		var f scriptFrame
		parse(s.t, step.Frame, &f)
		s.deliver(step.To, s.forge(step.To, f), step.Expect)
	default:
		s.t.Fatalf("step %s", step.Do)
	}
}

func (s *script) must(res Result, err error) Result {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	return res
}

// say sends a message of the script.
func (s *script) say(c *Chat, id string, m scriptMessage) (Result, error) {
	if m.Type == "text" {
		return c.Send(s.env, Outgoing{Message: &e2e.DecryptedMessage{RandomID: int64(len(s.ids) + 1), Message: id}})
	}
	return c.step(s.env, func(r *run) error { return r.sendAction(s.action(m)) })
}

func (s *script) action(m scriptMessage) e2e.DecryptedMessageActionClass {
	switch m.Type {
	case "resend":
		return &e2e.DecryptedMessageActionResend{StartSeqNo: m.Start, EndSeqNo: m.End}
	case "notifyLayer":
		return &e2e.DecryptedMessageActionNotifyLayer{Layer: m.Layer}
	case "deleteMessages":
		a := &e2e.DecryptedMessageActionDeleteMessages{}
		for _, id := range m.Frames {
			a.RandomIDs = append(a.RandomIDs, s.randomID(id))
		}
		return a
	}
	s.t.Fatalf("action %s", m.Type)
	return nil
}

func (s *script) randomID(frame string) int64 {
	for id, name := range s.ids {
		if name == frame {
			return id
		}
	}
	s.t.Fatalf("frame %s was never sent", frame)
	return 0
}

// forge seals a made-up frame for a side.
func (s *script) forge(to string, f scriptFrame) []byte {
	id := int64(len(s.ids) + 1)
	s.ids[id] = f.ID
	var m e2e.DecryptedMessageClass = &e2e.DecryptedMessage{RandomID: id}
	if f.Message.Type != "text" {
		m = &e2e.DecryptedMessageService{RandomID: id, Action: s.action(f.Message)}
	}
	payload, err := encode(&e2e.DecryptedMessageLayer{
		RandomBytes: make([]byte, 15), Layer: f.scriptWire.Layer, InSeqNo: f.In, OutSeqNo: f.Out, Message: m,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	frame, err := newChatKey([256]byte{1, 2, 3}).seal(s.sides[to].Role().peer(), payload, s.env.Rand)
	if err != nil {
		s.t.Fatal(err)
	}
	return frame
}

func (s *script) deliver(to string, frame []byte, want scriptExpect) {
	c := s.sides[to]
	before := s.stored(c)
	res := s.must(c.Receive(s.env, Incoming{Data: frame}))
	if got := res.Verdict.name(); got != want.Verdict {
		s.t.Errorf("verdict %s (%v), want %s", got, res.Reason, want.Verdict)
	}
	if res.Closed != want.State.Closed && want.Verdict != "drop" {
		s.t.Errorf("closed %v", res.Closed)
	}
	var applied, resent []string
	for _, e := range res.Events {
		applied = append(applied, s.ids[e.RandomID])
	}
	for _, f := range res.Resent {
		resent = append(resent, s.ids[f.RandomID])
	}
	s.equal("applied", applied, want.Applied)
	s.equal("resent", resent, want.Resent)
	s.equal("dropped", nil, want.Dropped)
	s.checkSent(to, res.Send, want.Sent)
	s.checkState(c, want.State)
	if want.State.Closed {
		return
	}
	after := s.stored(c)
	s.equal("acked", slices.DeleteFunc(before, func(id string) bool { return slices.Contains(after, id) }), want.Acked)
}

func (s *script) equal(what string, got, want []string) {
	s.t.Helper()
	if !slices.Equal(got, want) {
		s.t.Errorf("%s %v, want %v", what, got, want)
	}
}

func (s *script) stored(c *Chat) (ids []string) {
	for _, f := range c.s.Stored {
		ids = append(ids, s.ids[f.RandomID])
	}
	return ids
}

func (s *script) checkState(c *Chat, want scriptState) {
	s.t.Helper()
	if want.Closed {
		if c.Phase() != Closed {
			s.t.Error("chat is open")
		}
		return
	}
	var queue []string
	for _, q := range c.s.Queue {
		m, err := decode(q.Payload)
		if err != nil {
			s.t.Fatal(err)
		}
		queue = append(queue, s.ids[m.Message.GetRandomID()])
	}
	s.equal("queued", queue, want.Queued)
	s.equal("stored", s.stored(c), want.Stored)
	got := scriptState{In: c.s.In, Out: c.s.Out, PeerHas: c.s.PeerHas, PeerLayer: c.s.PeerLayer, Layer: c.Layer()}
	if got.In != want.In || got.Out != want.Out || got.PeerHas != want.PeerHas ||
		got.PeerLayer != want.PeerLayer || got.Layer != want.Layer {
		s.t.Errorf("state %+v, want %+v", got, want)
	}
}

// checkSent compares frames with what they should be, and gives them their names.
func (s *script) checkSent(by string, got []Frame, want []scriptFrame) {
	s.t.Helper()
	if len(got) != len(want) {
		s.t.Fatalf("%d frames sent, want %d", len(got), len(want))
	}
	for i, f := range got {
		s.ids[f.RandomID], s.frames[want[i].ID] = want[i].ID, f.Data
		s.checkFrame(s.sides[by], f, want[i])
	}
}

func (s *script) checkFrame(c *Chat, f Frame, want scriptFrame) {
	s.t.Helper()
	payload, err := c.s.Key.open(c.Role(), f.Data)
	if err != nil {
		s.t.Fatal(err)
	}
	m, err := decode(payload)
	if err != nil {
		s.t.Fatal(err)
	}
	if wire := (scriptWire{m.InSeqNo, m.OutSeqNo, m.Layer}); wire != want.Wire || len(m.RandomBytes) < 15 {
		s.t.Errorf("frame %s has %+v, want %+v", want.ID, wire, want.Wire)
	}
	if m.Message.GetRandomID() != f.RandomID {
		s.t.Error("random_id differs")
	}
	_, action := upgrade(m.Message)
	if want.Message.Type == "text" {
		if action != nil {
			s.t.Errorf("frame %s is an action", want.ID)
		}
		return
	}
	if action == nil || action.String() != s.action(want.Message).String() {
		s.t.Errorf("frame %s is %v, want %+v", want.ID, action, want.Message)
	}
}

func (s *script) delete(step scriptStep) {
	var id string
	parse(s.t, step.Frame, &id)
	c, random := s.sides[step.By], s.randomID(id)
	before := slices.Clone(c.s.Stored)
	res := s.must(c.Act(s.env, &e2e.DecryptedMessageActionDeleteMessages{RandomIDs: []int64{random}}))
	s.checkSent(step.By, res.Send, []scriptFrame{*step.Sent})
	i := slices.IndexFunc(before, func(f stored) bool { return f.RandomID == random })
	if step.Rewritten == nil {
		if i >= 0 && string(before[i].Data) != string(c.s.Stored[i].Data) {
			s.t.Error("frame was rewritten")
		}
		return
	}
	s.frames[id] = c.s.Stored[i].Data
	s.checkFrame(c, c.s.Stored[i].Frame, *step.Rewritten)
}
