# Kanca's entry points. `make` alone lists them.
#
# The web side is always built before cargo runs, because the binary embeds it. Tests and the checks against a running
# server share one debug build (`binary`): cargo is asked for the binary and the tests in one call, so that both see the
# same features and nothing is compiled twice.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

TARGET := $(or $(CARGO_TARGET_DIR),target)
# In CI a stale Cargo.lock is an error; on a developer's machine cargo may bring it up to date.
LOCKED := $(if $(CI),--locked,)
WEB_SOURCES := $(shell find web \( -name node_modules -o -name dist -o -name test-results \) -prune -o -type f -print)

# $(call step,what,command): says what runs; when it fails, says which step that was and how to run it alone.
step = @printf '\n==> %s\n' '$(1)'; { $(2); } || { printf '\nFAILED: %s. To run this step alone: make %s\n' '$(1)' '$@' >&2; exit 1; }

## Start

.PHONY: help
help: ## List what can be made
	@awk -F ':.*## ' '/^## /{printf "\n%s\n", substr($$0, 4)} /^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' Makefile

.PHONY: run
run: build ## Build Kanca and start it on 127.0.0.1:8080 with its data in ./kanca-data (ARGS="--listen …" adds flags)
	@KANCA_ALLOW_PRIVATE_NETWORKS="$${KANCA_ALLOW_PRIVATE_NETWORKS-127.0.0.0/8,::1/128}" exec $(TARGET)/release/kanca $(ARGS)

.PHONY: build
build: tools web ## Build the web side and the release binary, target/release/kanca
	cargo build $(LOCKED) --release --bin kanca

.PHONY: web
web: web/dist/.built ## Build the panel and the widget into web/dist

## Test

.PHONY: test
test: tools test-tools fmt-check docs-check web-check web-test api-check web clippy rust-test browser-test examples-test ## Run every check, in this order, up to the first that fails
	@printf '\nEvery step of `make test` passed.\n'

.PHONY: fmt-check
fmt-check: ## Rust: formatting
	$(call step,Rust formatting,cargo fmt --all --check)

.PHONY: docs-check
docs-check: ## Documents: do links, named paths and tests, and tables of settings hold?
	$(call step,documents,scripts/check-docs)

.PHONY: web-check
web-check: web/node_modules/.installed ## Web: types and Svelte components
	$(call step,web types,npm --prefix web run check)

.PHONY: web-test
web-test: web/node_modules/.installed ## Web: unit tests
	$(call step,web unit tests,npm --prefix web test)

.PHONY: api-check
api-check: web/node_modules/.installed ## Web: is the generated API client up to date?
	$(call step,generated API client,npm --prefix web run api:check)

.PHONY: clippy
clippy: web ## Rust: lints, warnings are errors
	$(call step,Rust lints,cargo clippy $(LOCKED) --workspace --all-targets -- -D warnings)

.PHONY: rust-test
rust-test: binary ## Rust: all tests, among them the OpenAPI snapshot's (cargo-nextest if it is installed)
	$(call step,Rust tests,if cargo nextest --version >/dev/null 2>&1; then cargo nextest run $(LOCKED) --workspace; else cargo test $(LOCKED) --workspace; fi)

.PHONY: browser-test
browser-test: binary web/node_modules/.installed ## The panel and the widget in a real browser against the real binary
	$(call step,browser tests,KANCA_BIN='$(abspath $(TARGET))/debug/kanca' npm --prefix web run test:browser)

.PHONY: examples-test
examples-test: binary ## The curl walk-through and the Python service against the real binary
	$(call step,curl walk-through,examples/run-walkthrough.sh '$(TARGET)/debug/kanca')
	$(call step,Python service,examples/check-python-service.sh '$(TARGET)/debug/kanca')

.PHONY: binary
binary: web ## The debug binary with all tests, target/debug/kanca
	$(call step,debug build,cargo build $(LOCKED) --workspace --bins --tests)

## Keep in order

.PHONY: fmt
fmt: ## Format the Rust code
	cargo fmt --all

.PHONY: clean
clean: ## Remove what was built (never the data in ./kanca-data)
	cargo clean
	rm -rf web/dist web/node_modules web/test-results

.PHONY: tools
tools: ## Are Rust and Node.js there?
	@scripts/need-tools build

.PHONY: test-tools
test-tools: ## What the tests need besides: Chromium, curl, openssl, python3 (installed by apt-get as root)
	@scripts/need-tools test

web/node_modules/.installed: web/package.json web/package-lock.json $(wildcard web/.npmrc)
	$(call step,npm packages,cd web && npm ci --no-audit --no-fund)
	@touch $@

web/dist/.built: web/node_modules/.installed $(WEB_SOURCES)
	$(call step,panel and widget,npm --prefix web run build)
	@touch $@
