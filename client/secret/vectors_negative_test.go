package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"testing"

	"github.com/gotd/td/tdp"

	"github.com/gotd/td/tg/e2e"
)

func TestNegativeVectors(t *testing.T) {
	var tables struct {
		Group struct {
			P hexBytes
			G int
		}
	}
	forVectors(t, "secret_negative", nil, &tables, func(t *testing.T, v vector) {
		var in struct {
			Receiver struct {
				Role      string
				Key       hexBytes
				OtherKey  hexBytes `json:"other_key"`
				In        int32    `json:"raw_in"`
				Out       int32    `json:"raw_out"`
				PeerHas   int32    `json:"peer_has"`
				PeerLayer int      `json:"peer_layer"`
			}
			Frame hexBytes
		}
		var out struct{ Object any }
		parse(t, v.Input, &in)
		parse(t, v.Expected, &out)
		role := Originator
		if in.Receiver.Role == "acceptor" {
			role = Acceptor
		}
		c := readyChat(role, newChatKey([256]byte(in.Receiver.Key)), Group{g: tables.Group.G, p: new(big.Int).SetBytes(tables.Group.P)})
		c.s.Other = newChatKey([256]byte(in.Receiver.OtherKey))
		c.s.In, c.s.Out, c.s.PeerHas = in.Receiver.In, in.Receiver.Out, in.Receiver.PeerHas
		c.s.PeerLayer, c.s.Layer = in.Receiver.PeerLayer, in.Receiver.PeerLayer
		before := c.s.clone()
		res, err := c.Receive(Env{noon, newRand(2)}, Incoming{Data: in.Frame})
		if err != nil {
			t.Fatal(err)
		}
		judge(t, v, res.Verdict.name())
		switch res.Verdict {
		case Taken:
			if len(res.Events) != 1 || c.s.In != before.In+1 {
				t.Errorf("%d events, %d frames taken", len(res.Events), c.s.In-before.In)
			}
		case Queued:
			if len(res.Events) != 0 || len(c.s.Queue) != 1 || len(res.Send) != 1 {
				t.Error("not queued, or nothing asked for")
			}
		case Dropped:
			if !reflect.DeepEqual(before, c.s) {
				t.Error("a dropped frame changed the state")
			}
		case Refused:
			if c.Phase() != Closed || c.s.Key != nil || !res.Closed || len(res.Events) != 0 {
				t.Error("chat is not closed")
			}
		}
	})
}

// TestObjectVectors decodes every object, compares it field by field and encodes
// it again.
func TestObjectVectors(t *testing.T) {
	forVectors(t, "secret_tl", nil, nil, func(t *testing.T, v vector) {
		var in struct{ Object json.RawMessage }
		var out struct {
			Bytes  hexBytes
			Length int
		}
		parse(t, v.Input, &in)
		parse(t, v.Expected, &out)
		m, err := decode(out.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		var want any
		d := json.NewDecoder(bytes.NewReader(in.Object))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if got := plain(reflect.ValueOf(m)); !reflect.DeepEqual(got, want) {
			t.Errorf("decodes to\n%v, want\n%v", got, want)
		}
		again, err := encode(m)
		if err != nil || !bytes.Equal(again, out.Bytes) || len(again) != out.Length {
			t.Errorf("encodes to %x, %v", again, err)
		}
		for n := range out.Bytes {
			if _, err := decode(out.Bytes[:n]); err == nil {
				t.Fatalf("decodes from %d bytes of %d", n, out.Length)
			}
		}
		if _, err := decode(append(out.Bytes, 0, 0, 0, 0)); err == nil {
			t.Error("decodes with bytes behind it")
		}
		checkUpgrade(t, m)
	})
}

// checkUpgrade brings a message to the newest form and back to its layer.
func checkUpgrade(t *testing.T, m *e2e.DecryptedMessageLayer) {
	t.Helper()
	want := plain(reflect.ValueOf(m.Message))
	msg, action := upgrade(m.Message)
	if (msg == nil) == (action == nil) {
		t.Fatal("neither a message nor an action, or both")
	}
	if msg == nil {
		return
	}
	entities := len(msg.Entities)
	back, err := fit(*msg, m.Layer)
	if err != nil {
		t.Fatal(err)
	}
	if got := plain(reflect.ValueOf(back)); entities > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("comes back as\n%v, want\n%v", got, want)
	}
}

// plain turns a TL object into what the vectors write for it.
func plain(v reflect.Value) any {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if o, ok := v.Interface().(interface{ TypeInfo() tdp.Type }); ok {
		info := o.TypeInfo()
		m := map[string]any{"_": info.Name}
		for _, f := range info.Fields {
			field := v.Elem().FieldByName(f.Name)
			if f.SchemaName == "flags" || f.Null && (field.Kind() != reflect.Slice || field.IsNil()) {
				continue
			}
			if field.Kind() == reflect.Bool && !field.Bool() {
				continue
			}
			m[f.SchemaName] = plain(field)
		}
		return m
	}
	switch v.Kind() {
	case reflect.Slice:
		if b, ok := v.Interface().([]byte); ok {
			return fmt.Sprintf("%x", b)
		}
		list := []any{}
		for i := range v.Len() {
			list = append(list, plain(v.Index(i)))
		}
		return list
	case reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Int:
		return json.Number(strconv.FormatInt(v.Int(), 10))
	case reflect.Float64:
		return json.Number(strconv.FormatFloat(v.Float(), 'g', -1, 64))
	}
	return v.Interface()
}
