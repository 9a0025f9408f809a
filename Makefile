# The words that people and CI share. Go and make are enough for build, test,
# fuzz, bench, golden and clean; lint and release-dry build their tools, pinned
# in scripts/tools.mod, the first time.

GO       ?= go
FUZZTIME ?= 6s
ITERATIONS ?= 1000000
TESTFLAGS ?= -shuffle=on -timeout 15m
TOOL     := $(GO) tool -modfile=scripts/tools.mod

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  := $(shell git rev-parse -q --verify HEAD 2>/dev/null)
DATE    := $(shell git log -1 --format=%cI 2>/dev/null)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)
GOBUILD := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'

# What .goreleaser.yaml builds.
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

# Tests reach this machine and nothing else: a proxy that does not exist takes
# every request that leaves it. `go vet` before them fetches what they import.
HERMETIC := GOPROXY=off HTTP_PROXY=http://127.0.0.1:9 HTTPS_PROXY=http://127.0.0.1:9 NO_PROXY=localhost,127.0.0.1,::1,.test

.PHONY: helm helm-golden image build test e2e e2e-kube lab race lint lint-full vuln fuzz bench load compare bench-go golden release-dry cross clean

build: ## bin/assay
	$(GOBUILD) -o bin/ ./cmd/assay

test: ## vet and all tests, hermetic
	$(GO) vet ./...
	$(HERMETIC) $(GO) test $(TESTFLAGS) ./...

e2e: ## real Fulcio, logs, timestamps and cosign, against assay and the lab; the first build takes over ten minutes (docs/e2e.md)
	$(GO) run ./e2e -v

e2e-kube: ## a real Kubernetes API server that asks assay; needs etcd, and the first build takes minutes (docs/e2e-kube.md)
	$(GO) run ./e2e/kube -v

lab: build ## every case of the attack range against assay
	bin/assay lab run

race: ## the tests under the race detector (needs a C compiler)
	$(HERMETIC) $(GO) test -race $(TESTFLAGS) ./...

lint: ## the quick loop
	@files=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
		if [ -n "$$files" ]; then echo "not formatted by gofmt:"; echo "$$files"; exit 1; fi
	$(GO) vet ./...
	$(TOOL) staticcheck ./...

lint-full: lint ## all linters of .golangci.yaml; the first build of the tool takes over ten minutes
	$(TOOL) golangci-lint run

vuln: ## known vulnerabilities that this code can reach (asks the Go vulnerability database)
	$(TOOL) govulncheck ./...

fuzz: ## a million inputs to the properties, then every fuzz target for FUZZTIME each
	@GO="$(GO)" FUZZTIME="$(FUZZTIME)" ITERATIONS="$(ITERATIONS)" SEED="$(SEED)" $(HERMETIC) sh scripts/fuzz.sh

helm: ## what deploy/ ships: the chart linted, rendered and held against Kubernetes' types, Gatekeeper's Rego run; the first build of helm takes minutes
	$(GO) run ./scripts/helm
	$(GO) test ./scripts/helm ./internal/doctor
	cd deploy/helm/tools && $(GO) test -count=1 ./...
	cd deploy/gatekeeper/test && $(GO) test -count=1 ./... # go does not see that files of other modules changed

helm-golden: ## render the chart into deploy/helm/testdata; read the difference before you commit it
	cp deploy/prometheus/alerts.yaml deploy/helm/assay/files/rules.yaml
	$(GO) run ./scripts/helm -update

image: ## the container image as an OCI layout, dist/image, without a Docker daemon
	$(GO) run ./scripts/image -o dist/image -version '$(VERSION)' -commit '$(COMMIT)' -date '$(DATE)' -ldflags '$(LDFLAGS)'

bench: ## what one verification costs, in each layout; fails if it asks more than we promise
	$(HERMETIC) $(GO) run ./scripts/bench

load: build ## what the server answers under load, and in how much memory; fails where a target is missed (takes minutes)
	$(HERMETIC) $(GO) run ./scripts/load -bin bin/assay -check

compare: build ## docs/compared.md: the attack range against assay and other tools' commands; builds those tools the first time
	$(HERMETIC) $(GO) run ./scripts/compare -assay bin/assay $$(sh scripts/compare/tools.sh "$(GO)") -o docs/compared.md -readme README.md

bench-go: ## the Go benchmarks
	$(HERMETIC) $(GO) test -run '^$$' -bench . -benchmem ./...

golden: ## rewrite the golden files; read the difference before you commit it
	@dirs=$$(git grep -l --untracked 'flag\.Bool("update"' -- '*_test.go' | sed 's|^|./|; s|/[^/]*$$||' | sort -u); \
		if [ -n "$$dirs" ]; then $(HERMETIC) $(GO) test $$dirs -update; fi

release-dry: ## a release without publishing: goreleaser if it builds here, otherwise its binaries alone
	@echo "building goreleaser, which takes minutes the first time"
	@if $(TOOL) goreleaser --version >/dev/null 2>&1; then \
		$(TOOL) goreleaser check && $(TOOL) goreleaser release --snapshot --clean; \
	else \
		echo "goreleaser does not build here: binaries only"; $(MAKE) cross; \
	fi

cross: ## the binaries of a release, in dist
	@for p in $(PLATFORMS); do \
		out=dist/assay_$${p%/*}_$${p#*/}; case $$p in windows/*) out=$$out.exe;; esac; \
		echo "$$out"; GOOS=$${p%/*} GOARCH=$${p#*/} $(GOBUILD) -o $$out ./cmd/assay || exit 1; \
	done

clean:
	rm -rf bin dist
