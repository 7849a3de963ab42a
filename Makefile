# Chappe: build, run, test. The server needs nothing but Go, web and interop need Node.

GO       ?= go
FUZZTIME ?= 60s
RUN      ?= TestInterop
TARGETS  ?= linux/amd64 linux/arm64

TOOL   = $(GO) tool -modfile=tools/go.mod
COMMIT = $(shell git describe --tags --always --dirty)

# gosec: the rules we obey. Left out for a reason: G104 (staticcheck and review look at errors),
# G115 and its kin (the wire is made of narrow integers), G204 and G304 (an operator's own flags
# name files and programs), G401 and G505 (MTProto demands SHA-1), G601 (gone with Go 1.22).
GOSEC = G102,G106,G107,G108,G109,G110,G111,G112,G114,G201,G202,G203,G302,G303,G305,G306,G402,G403,G404,G501,G502,G503,G504,G602

.PHONY: build run test check lint generated race fuzz interop bench release

build: ## bin/chappe
	$(GO) build -o bin/ ./cmd/chappe

run: build ## the server, with its data in ./data
	bin/chappe serve --data data

# Every suite this machine can run. CI=true leaves out nothing: what is missing fails.
test: ## every suite
	$(GO) test ./...
ifeq ($(CI),true)
	$(MAKE) interop
else
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || \
		echo 'left out: PostgreSQL. To have it: apt-get install postgresql'
	@echo 'left out: TDLib, mtcute and gotd against the real binary. To have it: make interop'
endif

check: lint generated ## everyday: linters, stale generated code, unit tests
	$(GO) test -short ./...

lint: ## gofmt, vet, staticcheck, gosec
	@files=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$files" || { echo "gofmt: $$files"; exit 1; }
	$(GO) vet ./...
	$(TOOL) staticcheck ./...
	$(TOOL) gosec -quiet -exclude-generated -include=$(GOSEC) ./...

generated: ## generated code is what its generator writes
	$(GO) run ./cmd/tlgen errors -check -o internal/core/fault/catalogue_gen.go
	$(GO) run ./cmd/tlgen schema -check -o internal/tl/transcode/schema_gen.tl

race: ## the suites under the race detector; needs a C compiler
	CGO_ENABLED=1 $(GO) test -race ./...

fuzz: ## every fuzz target in turn, FUZZTIME each
	@git grep -hoE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' >/dev/null || { echo 'no fuzz targets'; exit 1; }
	@git grep -oE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' | while IFS=: read -r file name; do \
		echo "$${name#func } in $$(dirname $$file)"; \
		$(GO) test "./$$(dirname $$file)" -run '^$$' -fuzz "^$${name#func }$$" -fuzztime $(FUZZTIME) || exit 1; \
	done

interop: build interop/mtcute/node_modules/.package-lock.json ## foreign clients; RUN=TestInterop/gotd/edit picks
	$(GO) build -C interop/gotd -o $(CURDIR)/bin/interop-gotd .
	$(GO) build -C interop/gotd -modfile=layer152.mod -tags layer152 -o $(CURDIR)/bin/interop-gotd152 .
	$(GO) test -c -o bin/interop.test ./interop
	interop/run.sh -test.v -test.timeout 30m -test.run '$(RUN)'

interop/mtcute/node_modules/.package-lock.json: interop/mtcute/package-lock.json
	cd interop/mtcute && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

bench: ## benchmarks beside the code, into bench/out
	@mkdir -p bench/out
	{ echo "commit: $(COMMIT)"; uname -srm; $(GO) version; $(GO) test -run '^$$' -bench . -benchmem ./...; } | tee bench/out/$(COMMIT).txt

# The same commit and toolchain give the same bytes on any machine.
release: ## static, reproducible binaries and their checksums in dist/
	@rm -rf dist && mkdir -p dist
	@for target in $(TARGETS); do \
		name=chappe-$${target%/*}-$${target#*/}; echo $$name; \
		CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} GOAMD64=v1 GOARM64=v8.0 GOFLAGS= \
			$(GO) build -trimpath -buildvcs=true -ldflags='-s -w -buildid=' -o dist/$$name ./cmd/chappe || exit 1; \
	done
	cd dist && sha256sum chappe-* > SHA256SUMS && cat SHA256SUMS
