# Two commands: `make demo` and `make test`. Everything else is `manna --help`.
.DEFAULT_GOAL := help
SHELL := /bin/sh

UV_VERSION := 0.13.8
export UV_PYTHON_DOWNLOADS := never
# Compiled once here, instead of slowly at the first run.
export UV_COMPILE_BYTECODE := 1
# A home that cannot be written to must not matter.
export UV_CACHE_DIR ?= $(shell [ -n "$$HOME" ] && [ -w "$$HOME" ] && echo "$$HOME/.cache/uv" || echo "$(CURDIR)/.tools/cache")
UV := $(shell command -v uv 2>/dev/null || echo "$(CURDIR)/.tools/uv/bin/uv")
RUN := $(UV) run --frozen --no-sync

.PHONY: help
help: ## What there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(CURDIR)/.tools/uv/bin/uv:
	@command -v python3 >/dev/null || { echo "Python 3.11 or newer is missing: install the package python3"; exit 1; }
	@python3 -m pip --version >/dev/null 2>&1 || { echo "pip is missing: install the package python3-pip (or uv itself)"; exit 1; }
	@python3 -m pip install --quiet --disable-pip-version-check --no-warn-script-location --root-user-action=ignore \
	  --target "$(CURDIR)/.tools/uv" "uv==$(UV_VERSION)"

.PHONY: install
install: .venv/installed ## Install the locked dependencies

.venv/installed: uv.lock pyproject.toml $(filter $(CURDIR)/%,$(UV))
	@echo "Installing the locked dependencies (once; about half a minute) ..."
	@# The second try trusts the machine's own certificates: behind some firewalls only they are right.
	@$(UV) sync --frozen --quiet 2>/dev/null || UV_SYSTEM_CERTS=true $(UV) sync --frozen --quiet
	@touch $@

.PHONY: demo
demo: install ## A household's money, end to end, on the sandbox
	@$(RUN) manna demo

.PHONY: up
up: install ## The Dagster UI on 127.0.0.1:3000 until Ctrl-C
	@$(RUN) manna up

.PHONY: test
test: install ## The test suite (under 8 minutes)
	@$(RUN) pytest -n 2 --dist loadgroup -m "not slow" --durations=25

.PHONY: test-full
test-full: test test-slow ## With crashes, a browser, and long property tests

.PHONY: test-slow
test-slow: install
	@$(RUN) pytest -n 2 --dist loadgroup -m slow --durations=25

.PHONY: check
check: install ## Lint, format, types, import rules
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(RUN) lint-imports

.PHONY: audit
audit: install ## Known vulnerabilities of what is installed (asks osv.dev)
	@$(UV) audit --preview-features audit-command --frozen --no-dev

.PHONY: sbom
sbom: install ## What a release consists of, as CycloneDX on standard output
	@$(UV) export --frozen --no-dev --quiet --format cyclonedx1.5

.PHONY: licences
licences: install ## The licence of every library that runs, as CSV
	@$(RUN) python deploy/licences.py

.PHONY: format
format: install ## Format the code
	@$(RUN) ruff format .
	@$(RUN) ruff check --fix .

.PHONY: clean
clean: ## Delete everything a run wrote (the data directory)
	rm -rf .manna

.PHONY: docs
docs: install ## Write docs/tables.md from the contracts
	@$(RUN) python -m manna.contracts.dictionary > docs/tables.md
