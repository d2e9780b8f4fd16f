# The front door: `make help` lists what there is. Compiling is Meson's (build/release, build/sanitize, build/fuzz),
# dependencies are tools/deps's, and what each target does is a script in tools/.
#   make test T="-k commit"   arguments for pytest (tests/py)       make test U="base os"   only these unit suites
#   make fuzz FUZZ=filter FUZZ_SECONDS=600
#   WERROR=1                  warnings are errors, as in CI

WERROR ?= 0
FUZZ_SECONDS ?= 60
MESON_ARGS = $(if $(filter 1,$(WERROR)),-Dwerror=true)
export PATH := $(CURDIR)/.deps/venv/bin:$(PATH)

.PHONY: help deps build test demo session lint format sanitize sanitize-thread fuzz torture interop package bench golden-update clean
.DEFAULT_GOAL := build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

deps: ## install what building needs (deps.lock)
	@tools/deps build

build: deps ## build/bin/corrie, and build/bin/bauplan for the same program
	@tools/configure build/release $(MESON_ARGS)
	@ninja -C build/release
	@tools/link-binaries build/release build/bin

test: ## install what is missing, build, run all tests
	@tools/deps build test
	@$(MAKE) --no-print-directory build
	@tools/test build/release --unit "$(U)" -- $(T)

demo: build ## make a lake, generate data, run the example pipeline, show the result
	@tools/demo

session: build ## make docs/session.svg, the picture of a run that the README shows, anew
	@tools/deps build test
	@.deps/venv/bin/python tools/record-session

lint: ## layers, limits, banned functions, headers, formatting, Python
	@tools/deps build test lint
	@tools/configure build/release $(MESON_ARGS)
	@tools/lint

format: ## let clang-format and ruff arrange what they can
	@tools/deps build lint
	@git ls-files --cached --others --exclude-standard '*.c' '*.h' | xargs -r clang-format-14 -i
	@git ls-files '*.py' | grep -vE '^(examples|tests/golden|src/run/sample)/' | xargs -r ruff check --quiet --fix || true

sanitize: ## all tests with the address and undefined-behaviour sanitizers (clang)
	@tools/deps build test lint
	@CC=clang-14 CXX=clang++-14 tools/configure build/sanitize -Dbuildtype=debugoptimized \
	    -Db_sanitize=address,undefined -Db_lundef=false -Darrow-nanoarrow:debug=true $(MESON_ARGS)
	@ninja -C build/sanitize
	@tools/link-binaries build/sanitize build/sanitize/bin
	@tools/test build/sanitize --sanitized --unit "$(U)" -- $(T)

# Suites with threads of their own or of DuckDB's (SQL statements are among lake's), and what they stand on; the others
# have none.
THREADED = os jobs worker engine env ingest lake run cli

sanitize-thread: ## the tests of whatever has threads with the thread sanitizer (clang)
	@tools/deps build test lint
	@CC=clang-14 CXX=clang++-14 tools/configure build/tsan -Dbuildtype=debugoptimized \
	    -Db_sanitize=thread -Db_lundef=false -Darrow-nanoarrow:debug=true $(MESON_ARGS)
	@ninja -C build/tsan
	@tools/link-binaries build/tsan build/tsan/bin
	@tools/test build/tsan --sanitized --unit "$(or $(U),$(THREADED))" -- $(T)

fuzz: ## libFuzzer on each parser, FUZZ_SECONDS each (or one: FUZZ=name)
	@tools/deps build test lint
	@CC=clang-14 CXX=clang++-14 tools/configure build/fuzz -Dfuzz=true -Db_lundef=false $(MESON_ARGS)
	@tools/fuzz build/fuzz $(FUZZ_SECONDS) $(FUZZ)

torture: ## the fault tests in full: every failing call, every kill point
	@tools/deps build test
	@$(MAKE) --no-print-directory build
	@CORRIE_TORTURE=1 tools/test build/release --unit "$(U)" -- $(T)

interop: ## tables that Spark writes and reads, beside what PyIceberg and DuckDB do in `make test`
	@tools/deps build test interop
	@$(MAKE) --no-print-directory build
	@CORRIE_SPARK=1 .deps/venv/bin/python -m pytest -q tests/py/spark $(T)

package: ## the wheel: pip install . into an empty environment, and what it gives; compiles everything once more
	@tools/deps build test
	@.deps/venv/bin/python -m pytest -q tests/py/package $(T)

bench: build ## measure; writes nothing into the repository
	@tools/deps build test bench
	@bench/run

golden-update: ## accept what the golden tests see now; shows the difference
	@tools/deps build test
	@$(MAKE) --no-print-directory build
	@CORRIE_GOLDEN_UPDATE=1 tools/test build/release --unit "$(U)" -- $(T)
	@git --no-pager diff --stat -- tests

clean: ## remove everything that was built
	rm -rf build
