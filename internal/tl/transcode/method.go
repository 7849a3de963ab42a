package transcode

// Method returns the number that a method of a client's layer has in layer 227, 0 if that has none
// by its name.
func Method(layer int, id uint32) uint32 {
	served, ok := Schema(layer)
	if !ok {
		return 0
	}
	s := load()
	d := s.byLayer(id, served, true)
	if d == nil || !d.method {
		return 0
	}
	if d = s.in(Canonical, d.name, true); d == nil {
		return 0
	}
	return d.id
}
