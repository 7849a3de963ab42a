// The same driver with gotd of layer 152.
module github.com/chappe-im/chappe/interop/gotd

go 1.26.0

require (
	github.com/cenkalti/backoff/v4 v4.2.0
	github.com/gotd/td v0.77.0
)

require (
	github.com/go-faster/errors v0.6.1 // indirect
	github.com/go-faster/jx v0.41.0 // indirect
	github.com/go-faster/xor v0.3.0 // indirect
	github.com/gotd/ige v0.2.2 // indirect
	github.com/gotd/neo v0.1.5 // indirect
	github.com/klauspost/compress v1.16.0 // indirect
	github.com/segmentio/asm v1.2.0 // indirect
	go.opentelemetry.io/otel v1.14.0 // indirect
	go.opentelemetry.io/otel/trace v1.14.0 // indirect
	go.uber.org/atomic v1.10.0 // indirect
	go.uber.org/multierr v1.9.0 // indirect
	go.uber.org/zap v1.24.0 // indirect
	golang.org/x/crypto v0.6.0 // indirect
	golang.org/x/net v0.7.0 // indirect
	golang.org/x/sync v0.1.0 // indirect
	golang.org/x/sys v0.5.0 // indirect
	nhooyr.io/websocket v1.8.7 // indirect
	rsc.io/qr v0.2.0 // indirect
)
