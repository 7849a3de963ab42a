package transcode

// Method returns the id that a method of a client's layer has in layer 227, maybe under another
// name; 0 if 227 has no such method, or the layer is not served.
func Method(layer int, id uint32) uint32 {
	p, err := pairOf(layer, true)
	if err != nil {
		return 0
	}
	d := p.s.byLayer(id, p.src, p.up)
	if d == nil || !d.method {
		return 0
	}
	if d = p.target(d, d.result); d == nil {
		return 0
	}
	return d.id
}
