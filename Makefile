# The front door. `make help` lists what there is. Everything else is Meson's: build/release, build/sanitize.

export PATH := $(CURDIR)/.deps/venv/bin:$(PATH)

.PHONY: help deps build test demo lint sanitize fuzz torture bench golden-update clean
.DEFAULT_GOAL := build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

deps: ## install what building needs (tools/deps, deps.lock)
	@tools/deps build

build: deps ## build/bin/corrie and build/bin/bauplan
	@tools/configure build/release
	@ninja -C build/release
	@tools/link-binaries build/release build/bin

clean: ## remove everything that was built
	rm -rf build
