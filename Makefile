# Everything a developer, a user or CI runs. CI calls `check`, `test` and `e2e` and nothing else.
.DEFAULT_GOAL := help
.PHONY: help demo demo-organization try check-config check-declarations verify-account verify-organization preview test look e2e check bless bench build built-for package release-check twice doctor scripts deploy test-alert ack forwarders invoke report evidence verify-evidence clean programs browser bucket fmt-check words clippy docs licences template

, := ,
# Where this file is, whatever the current folder.
HERE := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
SCENARIO ?=
EVENT ?= events/scheduled.json
CARGO ?= cargo
PYTHON ?= python3
LINT := build/lint/bin
SCAN := build/scan/bin

help:
	@echo "make demo [SCENARIO=name]   the alerts for a simulated account, and its report"
	@echo "make demo-organization      two runs over a simulated organization of forty accounts"
	@echo "make report                 the report of your account, in your browser"
	@echo "make verify-account         facts that only a real account shows, to send to us: read-only, no names"
	@echo "make verify-organization    whether this account can audit its organization's members, and what to fix: read-only"
	@echo "make verify-evidence        finds stored reports that are missing or were edited"
	@echo "make preview                every kind of alert as email and Slack picture, under build/preview; needs Chromium"
	@echo "make test                   every test; the report tests need Python and Chromium"
	@echo "make look                   only the report in a browser, and the exports"
	@echo "make e2e                    deploys the stack to a local AWS, which it installs under build/"
	@echo "make try                    checks your own account once: read-only, sends no alerts"
	@echo "make deploy EMAIL=address   deploys the stack to your account with the SAM CLI"
	@echo "make test-alert             sends one message, marked as a test, to every subscriber of the deployed stack"
	@echo "make ack ALERT=id BY=you    stops the reminders of an open alert for HOURS=24; NOTE=why"
	@echo "make forwarders             retries the forwarding Regions and prints the status of each"
	@echo "make check-config           validates the settings in PARAMETERS and samconfig.toml"
	@echo "make check-declarations FILE=declarations.json   validates what you declare about an organization's members"
	@echo "make invoke EVENT=file      sends an event to the function, over a simulated account"
	@echo "make check bench bless      lints, benchmarks, and accepting changed output"
	@echo "make doctor                 what a deployment needs, and how a deployed one is: changes nothing"
	@echo "make package ARCH=arm64     everything that a deployment needs, in one archive under dist/"
	@echo "make release-check          packages for x86_64 and arm64, twice: needs Rust's target for both"

demo: programs
	@target/debug/sandbox demo $(SCENARIO)

demo-organization: programs
	@target/debug/sandbox demo-organization

try: programs
	@target/debug/sandbox try

# Every kind of alert: its email as text, its Slack message as a picture.
CHROMIUM ?= chromium
preview: programs
	@target/debug/sandbox preview build/preview $(CHROMIUM)

invoke: programs
	@target/debug/sandbox invoke $(EVENT) $(SCENARIO)

# No more than these targets run, of the libraries that the tests are built of: no library is built twice (tests/libraries).
programs:
	@test -x target/debug/sandbox || echo "Building; a few minutes the first time …"
	@$(HERE)tests/progress $(CARGO) build --locked --package checker --package member-auditor --package organization --package reporter --package sandbox

# More threads than cores: the acceptance tests mostly wait for the pace that CloudTrail sets.
test: build/account/.ready build/package/.ready
	@$(CARGO) build --workspace --bins --tests --locked --quiet
	INSTA_UPDATE=no RUST_TEST_THREADS=8 $(CARGO) test --workspace --locked
	build/account/bin/python tests/account/verify_test.py
	build/account/bin/python tests/account/verify_organization_test.py
	build/package/bin/python tests/package/pack_test.py
	$(PYTHON) tests/package/doctor_test.py
	@$(MAKE) --no-print-directory look

# The page in a browser, light, dark, on a phone, printed; and the exports, by what others read them with. Pictures in build/look.
look: build/report/.ready browser programs
	@rm -rf build/look
	@target/debug/sandbox pages build/look/pages && target/debug/sandbox exports build/look/exports
	build/report/bin/python tests/report/exports.py build/look/exports
	build/report/bin/python tests/report/page.py build/look/pages build/look/pictures $(CHROMIUM)

browser:
	@command -v $(CHROMIUM) >/dev/null || { apt-get update --quiet=2 && apt-get install --yes --quiet=2 --no-install-recommends chromium; } \
	|| { echo "No $(CHROMIUM) here: install Chromium, or name a browser like it: make look CHROMIUM=path"; exit 1; }

# The stack itself: packed, deployed to a local AWS, and seen to work; ROW names some of the rows, ACCOUNTS how many an organization has. The
# programs are those of `make test`: cargo-lambda would build every library a third time. `make release-check` builds them as they are released.
ROW ?=
ACCOUNTS ?=
export ACCOUNTS
e2e: build/sam/.ready build/local-aws/.ready build/aws-cli/.ready build/package/.ready
	@$(CARGO) build --workspace --bins --locked --quiet
	@mkdir -p build/programs && for program in sandbox $(notdir $(wildcard functions/*)); do strip -o build/programs/$$program target/debug/$$program || exit; done
	PATH="$(CURDIR)/build/sam/bin:$$PATH" build/local-aws/bin/python tests/e2e/stack.py $(ROW)

# Writes what the tests compare with, whatever else fails, and names the files that differ. Read the difference before committing it.
bless:
	@INSTA_UPDATE=always BLESS=1 RUST_TEST_THREADS=8 $(CARGO) test --workspace --locked --quiet --no-fail-fast; code=$$?; \
	echo "Generated files that are not as committed:"; \
	git status --short -- '*.snap' '*CONTROLS.md' README.md docs | grep . || echo " none"; exit $$code

check: fmt-check words scripts clippy docs licences template

fmt-check:
	$(CARGO) fmt --all --check

# Words that texts for people may not contain: tests/words.txt.
words:
	@$(PYTHON) tests/words.py

# What people run in their own shells.
scripts: build/package/.ready
	@build/package/bin/shellcheck tests/progress tests/package/rootwatch tests/package/doctor

clippy:
	$(CARGO) clippy --workspace --all-targets --all-features --locked -- --deny warnings

docs:
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --workspace --no-deps --document-private-items --locked

licences:
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny --locked check licenses bans sources; \
	else echo "cargo-deny is not installed: licences, bans and sources are not checked (cargo install --locked cargo-deny)"; fi

# The scanners want libraries that exclude each other, hence two environments.
template: build/lint/.ready build/scan/.ready $(if $(shell command -v npm 2>/dev/null),build/asl/.ready)
	$(LINT)/cfn-lint --include-checks I --template template.yaml
	$(LINT)/python tests/template/to_cloudformation.py template.yaml build/template.json Forwarders=build/forwarders.json \
	    MemberRules=build/member-rules.json MemberRoles=build/member-roles.json
	$(LINT)/cfn-lint --template build/template.json
	$(LINT)/cfn-lint --include-checks I --template build/forwarders.json build/member-rules.json build/member-roles.json
	$(LINT)/python tests/template/as_deployed.py build/template.json build/forwarders.json build/member-rules.json build/member-roles.json
	$(LINT)/python tests/template/deployer.py build/template.json
	$(LINT)/python tests/template/machine.py build/template.json build/organization.asl.json
	@if test -e build/asl/.ready; then build/asl/node_modules/.bin/asl-validator --json-path build/organization.asl.json; \
	else echo "npm is not installed: the definition of the state machine is checked by tests/template/machine.py alone"; fi
	$(SCAN)/checkov --file build/template.json --framework cloudformation --compact --quiet --skip-download

# A validator of state machines, for Node.js.
build/asl/.ready: tests/template/asl.json
	@mkdir -p $(@D) && cp $< $(@D)/package.json
	npm install --prefix $(@D) --no-package-lock --no-audit --no-fund --loglevel=error && touch $@

INSTALL = $(PYTHON) -m venv $(@D) && $(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $< && touch $@

build/%/.ready: tests/template/%.txt
	$(INSTALL)

build/%/.ready: tests/report/%.txt
	$(INSTALL)

build/%/.ready: tests/package/%.txt
	$(INSTALL)

build/%/.ready: tests/account/%.txt
	$(INSTALL)

# The SAM CLI and the local AWS exclude each other too.
build/%/.ready: tests/e2e/%.txt
	$(INSTALL)

# FIGURES names some of them: starts checks limits sign-ins floods reports organization cost. Each function is built alone, as it is deployed.
FIGURES ?=
others_than = $(filter-out $(1),$(or $(FIGURES),all))
MEASURED = checker $(if $(call others_than,checks limits sign-ins floods organization),reporter) \
	$(if $(call others_than,checks limits sign-ins floods reports cost),organization member-auditor) \
	$(if $(call others_than,checks limits sign-ins floods reports organization cost),bare root-activity slack-notifier)
bench: $(if $(FIGURES),,build/sam/.ready build/local-aws/.ready build/aws-cli/.ready build/package/.ready)
	$(if $(FIGURES),,$(CARGO) bench --package facts --bench credential_report --locked)
	@for program in sandbox $(MEASURED); do $(CARGO) build --release --quiet --locked --package $$program || exit; done
	@target/release/sandbox figures $(FIGURES)
	$(if $(FIGURES),,@PATH="$(CURDIR)/build/sam/bin:$$PATH" build/local-aws/bin/python tests/e2e/latency.py)

# What the functions are built for and deployed as is one: as PARAMETERS says, else samconfig.toml, else as the stack is (by the AWS CLI),
# else x86_64. The target is named: without a name cargo-lambda builds for an arm64 host
# (https://github.com/cargo-lambda/cargo-lambda/blob/v1.9.2/crates/cargo-lambda-build/src/lib.rs). For arm64 the SAM CLI names it.
ARCH = $(eval ARCH := $(or $(call architecture,$(PARAMETERS)),$(call architecture,$(CONFIGURED)),$(filter x86_64 arm64,$(OF_STACK)),x86_64))$(ARCH)
architecture = $(lastword $(patsubst Architecture=%,%,$(filter Architecture=%,$(subst ',,$(subst ",,$(1))))))
OF_STACK = $(shell aws cloudformation describe-stacks --stack-name $(STACK) --output text \
	--query "Stacks[0].Parameters[?ParameterKey=='Architecture'].ParameterValue" 2>/dev/null)
# What samconfig.toml sets for deployments: the SAM CLI leaves all of it out as soon as the command line sets something.
CONFIGURED = $(shell awk '/^\[/ {on = /^\[default\.(deploy|global)\.parameters\]/} on' samconfig.toml \
	| sed -n 's/^ *parameter_overrides *= *"\(.*\)" *$$/\1/p' | sed 's/\\"/"/g')
MACHINE_x86_64 := 62
MACHINE_arm64 := 183
TARGET_x86_64 := x86_64-unknown-linux-gnu
TARGET_arm64 := aarch64-unknown-linux-gnu
# Programs name the files that they were compiled from, in their panics. So that they are the same wherever they are built, none is absolute.
NAMELESS = $(RUSTFLAGS) --remap-path-prefix=$(CURDIR)= --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=cargo

build:
	$(if $(MACHINE_$(ARCH)),,$(error ARCH is x86_64 or arm64, not $(ARCH)))
	$(if $(filter-out $(ARCH),$(call architecture,$(PARAMETERS))),$(error ARCH is $(ARCH), and PARAMETERS names another))
	env -u CARGO_BUILD_TARGET $(if $(filter x86_64,$(ARCH)),CARGO_BUILD_TARGET=$(TARGET_x86_64)) RUSTFLAGS="$(NAMELESS)" \
		sam build --parameter-overrides Architecture=$(ARCH)
	@$(MAKE) --no-print-directory built-for ARCH=$(ARCH)

# By the ELF headers (e_machine) of what will be deployed; and the three notifiers, which are one program, are the same bytes.
BUILT ?= .aws-sam/build
built-for:
	@for function in ChatNotifier RouteNotifier; do cmp "$(BUILT)/SlackNotifier/bootstrap" "$(BUILT)/$$function/bootstrap" || exit; done
	@for program in $(BUILT)/*/bootstrap; do \
		test "$$(od -An -tu2 -j18 -N2 "$$program" | tr -d ' ')" = "$(MACHINE_$(ARCH))" \
		|| { echo "$$program is not built for $(ARCH)"; exit 1; }; \
	done

# One archive: the functions' code, a template that names it, the demo, and `rootwatch`, which deploys with the AWS CLI alone.
# PROGRAMS is a folder of programs that are built already, SANDBOX the demo's program.
PROGRAMS ?=
SANDBOX ?= $(if $(PROGRAMS),$(PROGRAMS)/sandbox)
package: $(if $(PROGRAMS),,build) build/package/.ready $(if $(SANDBOX),,program-sandbox)
	@build/package/bin/python tests/package/pack.py $(ARCH) $(or $(PROGRAMS),.aws-sam/build) $(or $(SANDBOX),target/lambda/sandbox/bootstrap) dist

program-%:
	env -u CARGO_BUILD_TARGET RUSTFLAGS="$(NAMELESS)" cargo lambda build --release --locked --package $* --bin $* --target $(TARGET_$(ARCH))

# Both architectures; and one program twice, in folders of different names: the same bytes.
release-check: twice
	@$(MAKE) --no-print-directory package ARCH=arm64
	@$(MAKE) --no-print-directory package ARCH=x86_64

TWICE := build/twice/in-another-folder
twice:
	@rm -rf build/twice && git clone --quiet . $(TWICE)
	@for folder in . $(TWICE); do $(MAKE) --no-print-directory --directory=$$folder program-slack-notifier ARCH=x86_64 || exit; done
	@cmp target/lambda/slack-notifier/bootstrap $(TWICE)/target/lambda/slack-notifier/bootstrap && echo "Built twice: the same bytes."
	@rm -rf build/twice

# What a deployment from source needs, and how a deployed one is.
doctor:
	@STACK='$(STACK)' BUILDS=1 VERSION=$(VERSION) tests/package/doctor
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

# Non-interactive. EMAIL receives alerts. PARAMETERS sets others of docs/configuration.md: PARAMETERS="LookbackHours=48 Digest=daily".
# Parameters you omit keep their current value, or take that of samconfig.toml.
EMAIL ?=
PARAMETERS ?=
STACK ?= rootwatch
deploy: check-config build
	configured='$(subst ','\'',$(CONFIGURED))'; sam deploy --stack-name $(STACK) --no-confirm-changeset --no-fail-on-empty-changeset \
		--parameter-overrides $${configured:+"$$configured"} $(if $(EMAIL),AlertEmail=$(EMAIL)) $(PARAMETERS) Architecture=$(ARCH)
	@echo
	@echo "Deployed. Next steps:"
	@echo "  1. $(if $(EMAIL),Confirm the subscription: open the link that AWS emails to $(EMAIL).,No email address was added. If there is no subscriber yet: make deploy EMAIL=you@example.com.)"
	@echo "  2. For Slack$(,) store the webhook URL in the Parameter Store: docs/integrations.md."
	@echo "  3. Send a test alert: make test-alert$(if $(filter-out rootwatch,$(STACK)), STACK=$(STACK))"

# One message to every subscriber, marked as a test, and who gets it; an error when something keeps alerts from someone.
test-alert:
	@STACK='$(STACK)' tests/package/rootwatch test-alert

# Stops the reminders of an open alert for HOURS, at most 168. ALERT is its id, as every message shows it; BY says who works on it.
# Whatever a value holds, it arrives as it is: make expands nothing in it, and as JSON it is escaped.
ALERT ?=
BY ?=
HOURS ?= 24
NOTE ?=
unexport ALERT BY HOURS NOTE
export ACK_ALERT = $(value ALERT)
export ACK_BY = $(value BY)
export ACK_HOURS = $(value HOURS)
export ACK_NOTE = $(value NOTE)
ack:
	@test -n "$$ACK_ALERT" && test -n "$$ACK_BY" || { echo "Name the alert and yourself: make ack ALERT=111122223333/root-mfa/1 BY=alice [HOURS=24] [NOTE=CHG-7]"; exit 1; }
	@STACK='$(STACK)' tests/package/rootwatch ack "$$ACK_ALERT" "$$ACK_BY" "$$ACK_HOURS" "$$ACK_NOTE"

# By the code that will read them, so that a fault is rejected before the deployment. Needs no credentials.
# Rules are named after stack and Region, in 64 characters at most.
STACK_MAX := 39
check-config: programs
	@test $$(printf %s '$(STACK)' | wc -c) -le $(STACK_MAX) || { echo "The stack's name may have $(STACK_MAX) characters: $(STACK)"; exit 1; }
	@awk '/^\[/ {on = /^\[default\.(deploy|global)\.parameters\]/} on && /^ *parameter_overrides *=/' samconfig.toml | grep -qv '= *".*" *$$' \
	&& { echo "parameter_overrides in samconfig.toml has to be one line of text in double quotes"; exit 1; } || true
	@target/debug/sandbox check-config $(PARAMETERS)

check-declarations: programs
	@test -n "$(FILE)" || { echo "Name the file: make check-declarations FILE=declarations.json"; exit 1; }
	@target/debug/sandbox check-declarations "$(FILE)"

# Retries where a Region refused, and prints each Region's status; needs the AWS CLI.
forwarders:
	@STACK='$(STACK)' tests/package/rootwatch forwarders

# The bucket of a stack in your account; needs the AWS CLI.
BUCKET ?= $(shell aws cloudformation describe-stack-resource --stack-name $(STACK) --logical-resource-id ReportBucket \
	--query StackResourceDetail.PhysicalResourceId --output text)
bucket:
	@test -n "$(BUCKET)" || { echo "The stack $(STACK) has no report bucket that you may read: set STACK=name or BUCKET=name"; exit 1; }

report: bucket
	@mkdir -p build/report-of-$(STACK)
	@aws s3 cp --only-show-errors s3://$(BUCKET)/latest.html build/report-of-$(STACK)/latest.html
	@echo "build/report-of-$(STACK)/latest.html"
	@{ command -v xdg-open >/dev/null && xdg-open build/report-of-$(STACK)/latest.html; } \
	|| { command -v open >/dev/null && open build/report-of-$(STACK)/latest.html; } || true

# After a deployment, with read-only credentials: see docs/first-deployment.md. FULL=1 prints whole account ids.
FULL ?=
verify-account: build/account/.ready
	@build/account/bin/python tests/account/verify.py $(STACK) $(if $(FULL),--full)

# MEMBER names the account that is looked into; none leaves that out.
MEMBER ?=
verify-organization: build/account/.ready
	@build/account/bin/python tests/account/verify_organization.py $(MEMBER) $(if $(FULL),--full)

# EVIDENCE names a folder with a copy of the bucket; without it one is fetched.
EVIDENCE ?=
verify-evidence: programs $(if $(EVIDENCE),,evidence)
	@target/debug/sandbox verify-evidence $(or $(EVIDENCE),build/evidence)

# Without --exact-timestamps the CLI skips an object that was edited and has as many bytes as before. A check may end during the copy:
# reports and history match when the history is the same before and after.
evidence: bucket
	@mkdir -p build/evidence; bucket='$(BUCKET)'; \
	copy() { aws s3 sync --only-show-errors --exact-timestamps --delete --exclude '*' --include "$$1" "s3://$$bucket" build/evidence; }; \
	history() { copy history.json && sum=$$(cksum build/evidence/history.json 2>/dev/null || echo none); }; \
	history || exit 1; \
	for try in 1 2 3 4 5; do \
		before=$$sum; \
		copy 'reports/*' && history || exit 1; \
		test "$$sum" != "$$before" || exit 0; \
	done; \
	echo "history.json changed during each of 5 copies, so reports and history do not match. Try again between two checks."; exit 1

clean:
	rm -rf build target dist .aws-sam
