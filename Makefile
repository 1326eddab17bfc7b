# A new user needs `make run`; `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PICTURES ?= testfiles/pictures
FUZZ_SECONDS ?= 1800
# Whether to build the native core, if there is cargo. The last value given is remembered.
NATIVE ?= $(shell cat .venv/native 2>/dev/null || echo yes)
export NATIVE
RUN := .venv/bin/python -m
# What pytest makes of a test file is kept for the next run.
unexport PYTHONDONTWRITEBYTECODE
# Four at a time on two cores, as a test that waits leaves its core to others.
TESTS := $(RUN) pytest -n 4 --dist loadscope --no-loadscope-reorder

NATIVE_CAN_CHANGE := tests/images tests/sandbox tests/watermarks tests/cli/test_watermark.py tests/cli/test_profiles.py \
	tests/cli/test_doctor.py tests/end_to_end/test_contract.py tests/end_to_end/test_formats.py

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

setup: .venv/ready ## make the environment in .venv, with every Python dependency locked by hash

NATIVE_SOURCES := $(shell find native/core native/python -name '*.rs' -o -name '*.toml' 2>/dev/null | grep -v /target/)

.venv/ready: requirements/bootstrap.txt requirements/dev.txt pyproject.toml scripts/setup.sh $(NATIVE_SOURCES)
	@sh scripts/setup.sh

ifneq ($(NATIVE),$(shell cat .venv/native 2>/dev/null))
.venv/ready: again
endif

demo: setup sample-pictures ## start everything, watermark the sample pictures (or PICTURES=folder), keep serving
	@exec $(RUN) media_processor up --demo "$(PICTURES)"

run: setup ## start everything and serve until Ctrl-C
	@exec $(RUN) media_processor up

sample-pictures: setup ## create sample pictures in testfiles/pictures
	@if [ "$(PICTURES)" = testfiles/pictures ]; then $(RUN) testfiles.make_pictures; fi

test: setup ## run the default tests, against a real Valkey and real servers
	@$(TESTS)

test-all: setup ## also the slow tests, and branch coverage, as in CI
	@$(TESTS) -rs -m "not long and not nightly" --cov

test-decode: setup ## the tests whose result depends on the native core; CI runs them with NATIVE=no
	@$(TESTS) -m "not long and not nightly" $(NATIVE_CAN_CHANGE)

test-long: setup ## thousands of hostile files, real-world pictures, every response against OpenAPI
	@$(TESTS) -rs -m long

test-nightly: setup ## long random sequences, and every chaos fault
	@$(RUN) pytest -m nightly
	@$(RUN) media_processor chaos --all

check: setup ## check lint, types, layers and documents
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@.venv/bin/python .venv/bin/lint-imports
	@$(RUN) pytest -q tests/docs
	@if command -v cargo >/dev/null; then cd native && cargo fmt --all --check \
		&& cargo clippy --quiet --all-targets -- -D warnings && cargo test --quiet -p splice; fi

bench: setup ## compare with a literal build of the specification; writes docs/benchmarks.md
	@$(RUN) benchmarks.bench --write docs/benchmarks.md

bench-splice: setup ## compare the splice with Pillow and sharp; writes docs/benchmarks.md
	@$(RUN) benchmarks.splice --write docs/benchmarks.md

bench-page: setup ## the page's size, first render and load on the server; writes docs/benchmarks.md
	@$(RUN) benchmarks.page --write docs/benchmarks.md

bench-start: setup ## CPU time that commands and services take to start; writes docs/benchmarks.md
	@$(RUN) benchmarks.start --write docs/benchmarks.md

fuzz: setup ## fuzz the native core, FUZZ_SECONDS per format; needs Rust nightly and cargo-fuzz
	@.venv/bin/python native/fuzz/seeds.py native/fuzz/seeds
	@cd native/fuzz && for kind in jpeg png; do mkdir -p corpus/$$kind && cargo +nightly fuzz run \
		-O --debug-assertions --no-trace-compares --fuzz-dir . $$kind corpus/$$kind seeds/$$kind -- -timeout=5 \
		-rss_limit_mb=1024 -max_len=8192 -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 || exit 1; done

screenshots: setup ## take the pictures in docs/page again, by the browser tests
	@rm -f tests/browser/screenshots/*.png
	@$(RUN) pytest -n 2 -m "not long and not nightly" tests/browser
	@$(RUN) scripts.screenshots

lock: setup ## update requirements/*.txt from pyproject.toml and requirements/*.in
	@sh scripts/lock.sh

clean: ## remove the environment and all caches; data/ stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis native/target \
		native/fuzz/target native/fuzz/corpus native/fuzz/seeds native/fuzz/artifacts benchmarks/sharp/node_modules

.PHONY: again help setup demo run sample-pictures test test-all test-decode test-long test-nightly check bench bench-splice bench-page bench-start fuzz screenshots lock clean
