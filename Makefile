# Everything a developer, a user or CI runs. CI calls `check`, `test` and `e2e` and nothing else.
.DEFAULT_GOAL := help
.PHONY: help demo try preview test e2e check bless bench build deploy invoke clean programs fmt-check clippy docs licences template

, := ,
SCENARIO ?=
EVENT ?= events/scheduled.json
CARGO ?= cargo
PYTHON ?= python3
LINT := build/lint/bin
SCAN := build/scan/bin

help:
	@echo "make demo [SCENARIO=name]   what rootwatch tells of an invented account"
	@echo "make preview                what people see of every kind of alert, under build/preview; needs Chromium"
	@echo "make test                   unit, adapter and acceptance tests"
	@echo "make e2e                    the stack, deployed to a local AWS; installs what it needs under build/"
	@echo "make try                    check your own account once: read only, nobody is told"
	@echo "make deploy EMAIL=address   the stack into your account, by the SAM CLI"
	@echo "make invoke EVENT=file      an event into the function, over an invented account"
	@echo "make check bench bless      lints, figures, and accepting new snapshots"

demo: programs
	@target/debug/sandbox demo $(SCENARIO)

try: programs
	@target/debug/sandbox try

# Every kind of alert: its e-mail as text, its Slack message as a picture.
CHROMIUM ?= chromium
preview: programs
	@target/debug/sandbox preview build/preview $(CHROMIUM)

invoke: programs
	@target/debug/sandbox invoke $(EVENT) $(SCENARIO)

programs:
	@test -x target/debug/sandbox || echo "Building; a few minutes the first time …"
	@$(CARGO) build --quiet --locked --package bare --package checker --package root-activity --package sandbox --package slack-notifier

# Programs and tests with the same features, so that no library is built twice.
# More threads than cores: the acceptance tests mostly wait for the pace that CloudTrail sets.
test:
	@$(CARGO) build --workspace --bins --tests --locked --quiet
	INSTA_UPDATE=no RUST_TEST_THREADS=8 $(CARGO) test --workspace --locked

# The stack itself: built, deployed to a local AWS, and seen to work; ROW names some of the rows.
ROW ?=
e2e: build/sam/.ready build/local-aws/.ready
	PATH="$(CURDIR)/build/sam/bin:$$PATH" build/local-aws/bin/python tests/e2e/stack.py $(ROW)

# Writes what the tests compare with: snapshots, CONTROLS.md, docs/*.schema.json. Read the difference before committing it.
bless:
	INSTA_UPDATE=always BLESS=1 RUST_TEST_THREADS=8 $(CARGO) test --workspace --locked --quiet

check: fmt-check clippy docs licences template

fmt-check:
	$(CARGO) fmt --all --check

clippy:
	$(CARGO) clippy --workspace --all-targets --all-features --locked -- --deny warnings

docs:
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --workspace --no-deps --document-private-items --locked

licences:
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny --locked check licenses bans sources; \
	else echo "cargo-deny is not installed: licences, bans and sources are not checked (cargo install --locked cargo-deny)"; fi

# The scanners want libraries that exclude each other, hence two environments.
template: build/lint/.ready build/scan/.ready
	$(LINT)/cfn-lint --include-checks I --template template.yaml
	$(LINT)/python tests/template/to_cloudformation.py template.yaml build/template.json
	$(LINT)/cfn-lint --template build/template.json
	$(SCAN)/checkov --file build/template.json --framework cloudformation --compact --quiet --skip-download

INSTALL = $(PYTHON) -m venv $(@D) && $(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $< && touch $@

build/%/.ready: tests/template/%.txt
	$(INSTALL)

# The SAM CLI and the local AWS exclude each other too.
build/%/.ready: tests/e2e/%.txt
	$(INSTALL)

bench: build/sam/.ready build/local-aws/.ready
	$(CARGO) bench --package checklist --bench credential_report --locked
	@$(CARGO) build --release --quiet --locked --package sandbox
	@target/release/sandbox figures
	@PATH="$(CURDIR)/build/sam/bin:$$PATH" build/local-aws/bin/python tests/e2e/latency.py

build:
	sam build

# Asks nothing. EMAIL is whom to tell, PARAMETERS further ones of the table in the README: PARAMETERS="LookbackHours=48 Digest=daily".
# What is not named keeps its value.
EMAIL ?=
PARAMETERS ?=
STACK ?= rootwatch
deploy: build
	sam deploy --stack-name $(STACK) --no-confirm-changeset --no-fail-on-empty-changeset \
		$(if $(EMAIL)$(PARAMETERS),--parameter-overrides $(if $(EMAIL),AlertEmail=$(EMAIL)) $(PARAMETERS))
	@echo
	@echo "Deployed. What is left to do:"
	@echo "  1. $(if $(EMAIL),Confirm the subscription in the mail that AWS sends to $(EMAIL).,Nobody new is told: make deploy EMAIL=you@example.com$(,) if nobody was yet.)"
	@echo "  2. For Slack: store the webhook and name its parameter; see Slack in README.md."
	@echo "  3. See that it works: sam remote invoke Checker --stack-name $(STACK) --event '{}'"

clean:
	rm -rf build target .aws-sam
