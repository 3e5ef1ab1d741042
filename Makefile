# make run    build, start a private PostgreSQL, load demonstration data, serve on 127.0.0.1:8080
# make test   build and run every test against a throw-away PostgreSQL
# make check  everything CI does
# make schemathesis   a part of it: generated requests to the built server
# make format   the Swift files that differ from the last commit
# make bench  measure, each figure as a ratio against its limit in the same run
#
# Everything is built in the release configuration in .build, so that one build serves all of them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run build test check lint format bench schemathesis install install-ci

help:
	@sed -n 's/^# \(make.*\)/\1/p' $(MAKEFILE_LIST)

run:
	@scripts/run.sh

install:
	@scripts/install-dependencies.sh

install-ci:
	@scripts/install-dependencies.sh --ci

build: install
	swift build -c release --build-tests

test: build
	scripts/test.sh

# The checks that need no build come first: they fail in seconds.
lint: install-ci
	scripts/test-checks.sh
	scripts/check-imports.sh
	scripts/check-style.sh

# Warnings are errors here. The variable is the same for every step, or each would build everything anew.
check: export DAYLIGHT_STRICT = 1
# The tests come last: the end of the output is the runner's summary.
check: lint build
	scripts/schemathesis.sh
	$(MAKE) test

# Generated requests against the served contract.
schemathesis: build
	scripts/schemathesis.sh

# What is older keeps its line breaks until somebody works on it.
format:
	{ git diff --name-only -z --diff-filter=d HEAD -- '*.swift'; git ls-files -z --others --exclude-standard -- '*.swift'; } | xargs -0 -r swift format --in-place --parallel

bench: build
	Benchmarks/run.sh
