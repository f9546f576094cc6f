# Everything a person or CI runs. `make help` lists it; ARCHITECTURE.md says what the folders hold.

PYTHON ?= python3
VENV := .venv
STEP := tools/step.sh
RELEASE := target/release
SITE = $(shell $(VENV)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
WEB_SOURCES := $(shell find web/src web/public web/index.html web/vite.config.ts web/package-lock.json -type f 2>/dev/null)
SECONDS ?=
ROUNDS ?=
MINUTES ?= 10
BENCH ?=

.DEFAULT_GOAL := help
.PHONY: help build web native venv pythons test test-rust test-python test-examples test-web test-e2e test-fuzz test-soak fuzz soak lint format bench demo pictures clean

help: ## Show this list
	@echo 'make TARGET:'; grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16 | sed 's/^/  /'

build: web native venv ## Build all: web app, command, extension, .venv that has both
	@install -C -m 755 $(RELEASE)/pyrometer $(VENV)/bin/pyrometer
	@install -C -m 755 $(RELEASE)/lib_native.so python/pyrometer/_native.abi3.so
	@ln -sfn $(CURDIR)/python/pyrometer $(SITE)/pyrometer
	@echo 'built: $(VENV)/bin/pyrometer, and `import pyrometer` in $(VENV)/bin/python'

web: web/dist/index.html
native: web
	@$(STEP) 'command and extension (cargo, minutes at first)' 'see the error above; a C compiler and cargo are needed' \
	    cargo build --release --locked -p pyrometer-cli -p pyrometer-py
venv: $(VENV)/.stamp

web/node_modules/.stamp: web/package-lock.json
	@$(STEP) 'packages of the web app (npm)' 'node 20 with npm is needed, and a reachable npm registry' \
	    npm ci --prefix web --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.stamp $(WEB_SOURCES)
	@$(STEP) 'web app' 'see the error above' npm run --prefix web build
	@touch $@

$(VENV)/.stamp: examples/shop/requirements.txt tools/requirements-test.txt tools/requirements-lint.txt
	@$(STEP) 'Python environment .venv' 'python3 with venv and pip is needed (Debian: python3-venv)' \
	    sh -c '$(PYTHON) -m venv $(VENV) && $(VENV)/bin/pip install -q --disable-pip-version-check \
	    -r examples/shop/requirements.txt -r tools/requirements-test.txt -r tools/requirements-lint.txt'
	@touch $@

demo: build ## Build, then profile the example shop under load; SECONDS=30 ends by itself
	@$(VENV)/bin/python tools/demo.py $(if $(SECONDS),--seconds $(SECONDS))

test: build test-rust test-python test-examples test-web test-e2e test-fuzz test-soak ## Run every test there is

pythons:
	@VERBOSE=1 $(STEP) 'CPython 3.14 and 3.15 (debootstrap, once)' 'run tools/debian_testing.sh' tools/debian_testing.sh
	@VERBOSE=1 $(STEP) 'uWSGI, an embedded interpreter (once)' 'run tools/uwsgi.sh' tools/uwsgi.sh

test-rust: web pythons
	@VERBOSE=1 $(STEP) 'tests: Rust' 'run `cargo test --workspace` for the details' cargo test --locked --workspace --quiet

test-python: build pythons
	@tools/test_python.sh

test-examples: venv
	@VERBOSE=1 $(STEP) 'tests: example shop' 'run `python manage.py test` in examples/shop' \
	    sh -c 'cd examples/shop && ../../$(VENV)/bin/python manage.py test'
	@VERBOSE=1 $(STEP) 'tests: known shares' 'run `python -m unittest` in examples/known_shares' \
	    sh -c 'cd examples/known_shares && ../../$(VENV)/bin/python -m unittest'

test-web: web
	@VERBOSE=1 $(STEP) 'tests: web, units' 'run `npm test --prefix web`' npm test --prefix web

test-e2e: build
	@tools/test_e2e.sh

test-fuzz:
	@tools/fuzz.sh 2

test-soak: build
	@VERBOSE=1 $(STEP) 'tests: soak, one minute' 'run `make soak MINUTES=1`' $(VENV)/bin/python tools/soak.py --minutes 1

fuzz: ## Fuzz every reader of foreign bytes; SECONDS=60 for each
	@tools/fuzz.sh $(if $(SECONDS),$(SECONDS),60)

soak: build ## Real services and rude programs under the agent, with the accounts checked; MINUTES=10
	@$(VENV)/bin/python tools/soak.py --minutes $(MINUTES)

lint: venv web/node_modules/.stamp ## Check formats, types and house rules of all languages
	@$(STEP) 'lint: rustfmt' 'run `make format`' cargo fmt --all --check
	@$(STEP) 'lint: clippy' 'see the warnings above' cargo clippy --locked --workspace --all-targets --quiet -- -D warnings
	@$(STEP) 'lint: ruff' 'run `make format`' sh -c '$(VENV)/bin/ruff check -q . && $(VENV)/bin/ruff format -q --check .'
	@$(STEP) 'lint: mypy' 'see the errors above' $(VENV)/bin/mypy --strict python/pyrometer
	@$(STEP) 'lint: TypeScript' 'see the errors above' npm run --prefix web typecheck
	@$(STEP) 'lint: web' 'see the errors above' npm run --prefix web lint
	@$(STEP) 'lint: house rules' 'see the lines above' tools/house_rules.sh

format: venv ## Format all code
	cargo fmt --all
	$(VENV)/bin/ruff check -q --fix-only . && $(VENV)/bin/ruff format -q .

bench: build ## Measure the figures of README's performance section; ROUNDS=11 BENCH='--only sampling'
	@$(VENV)/bin/python bench/run.py $(if $(ROUNDS),--rounds $(ROUNDS)) $(BENCH)

pictures: build ## Take the README's pictures anew, of the shop under load
	@PYROMETER_PICTURES=$(CURDIR)/docs/images $(VENV)/bin/python -m pytest tests/e2e/test_browser.py

clean: ## Remove what was built
	rm -rf target $(VENV) web/dist web/node_modules python/pyrometer/*.so
