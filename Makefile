# runtime-ts: `make demo` shows a container, `make test` runs the tests, `make help` lists the rest.

SHELL := /bin/bash
.DEFAULT_GOAL := all
PREFIX ?= /usr/local
BIN := node_modules/.bin
BUN := $(BIN)/bun
# Node's own headers, where they lie beside the node in use; without them node-gyp fetches the ones of this version.
NODE_PREFIX := $(shell dirname "$$(dirname "$$(readlink -f "$$(command -v node)")")" 2>/dev/null)
NODEDIR := $(if $(wildcard $(NODE_PREFIX)/include/node/node_api.h),--nodedir=$(NODE_PREFIX))
VERSION := $(shell sed -n 's/^\t"version": "\(.*\)",/\1/p' package.json)
COMMIT := $(shell git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)

ADDON := build/Release/runtime_ts.node
STANDALONE := build/runtime-ts
JS := build/js/.stamp
GENERATED := src/generated/.stamp
DEPS := build/.deps-build
MODULES := build/.modules

ADDON_SOURCES := binding.gyp $(shell find addon -name '*.cc' -o -name '*.h' -o -name '*.S')
SOURCES := $(shell find src -name '*.ts' -not -path 'src/generated/*')
SCHEMAS := $(wildcard spec-schemas/*.json spec-schemas/*.ts)
MANUAL_SOURCES := $(wildcard docs/man/*.md docs/man/*.ts) src/cli/table.ts $(wildcard src/cli/*-options.ts) src/cli/groups.ts
HELP := src/generated/help.ts
MANUAL := build/man/.stamp
# Of the newest commit, so that the same sources give the same pages.
DATE := $(shell git log -1 --format=%cs 2>/dev/null || date -u +%F)
COMPLETIONS := $(PREFIX)/share/bash-completion/completions/runtime-ts $(PREFIX)/share/zsh/site-functions/_runtime-ts \
	$(PREFIX)/share/fish/vendor_completions.d/runtime-ts.fish

.PHONY: all help deps js man addon install uninstall lint format test test-unit test-integration test-vm test-engines test-engines-vm demo bench conformance clean ci

all: $(STANDALONE) $(JS) $(MANUAL) ## build build/runtime-ts, the standalone binary, the JavaScript that Node runs, and the manual pages

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

$(DEPS): test/tools/install-deps.sh
	@mkdir -p build
	test/tools/install-deps.sh build
	@touch $@

# install, not ci: ci refuses a lock file from a registry that lacks other platforms' optional packages; --no-save keeps the lock.
# --ignore-scripts: no package runs code at install; bun's own script puts its binary in place.
$(MODULES): package.json package-lock.json | $(DEPS)
	@mkdir -p build
	[ -L node_modules ] || npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error
	node node_modules/bun/install.js
	@touch $@

$(GENERATED): $(SCHEMAS) $(wildcard src/plan/schema*.ts src/container/record.ts) $(MODULES)
	$(BUN) spec-schemas/generate.ts
	@touch $@

# Behind $(GENERATED), which empties the folder.
$(HELP): $(MANUAL_SOURCES) $(GENERATED)
	$(BUN) docs/man/generate.ts help $@

$(MANUAL): $(MANUAL_SOURCES) package.json $(MODULES)
	$(BUN) docs/man/generate.ts pages $(@D) "$(VERSION)" "$(DATE)"
	@touch $@

$(ADDON): $(ADDON_SOURCES) $(MODULES)
	$(BIN)/node-gyp configure build $(NODEDIR) --loglevel=warn
	@touch $@

$(JS): $(SOURCES) $(GENERATED) $(HELP) tsconfig.json tsconfig.build.json
	$(BIN)/tsc -p tsconfig.build.json
	chmod +x build/js/cli/entry-node.js
	@touch $@

# The last step takes from bun the environment of the caller, which could load code into it; a bun on which that does
# not succeed makes no binary.
# The empty --compile-exec-argv: bun 1.4 reads the options that it has embedded, none, before it asks for the working
# directory, and so starts in one that was deleted. Without them it says that it can't, and ends
# (test/integration/deleted-directory.test.ts says why it has to).
# For packagers: the binary must not be stripped (strip, install -s, dh_strip, rpm's brp-strip). strip moves the sections
# of an executable, and the program's own part, which bun finds by its place, is lost: what is left is bun.
$(STANDALONE): $(SOURCES) $(GENERATED) $(HELP) $(ADDON) addon/standalone/detach.ts
	$(BUN) build --compile --bytecode --format=esm --splitting --minify --target=bun --compile-jit-policy=100 \
		--no-compile-autoload-bunfig --no-compile-autoload-dotenv --compile-exec-argv=" " \
		--define __RUNTIME_TS_VERSION__='"$(VERSION)"' --define __RUNTIME_TS_COMMIT__='"$(COMMIT)"' \
		--define __RUNTIME_TS_ADDON_HASH__="\"$$(sha256sum $(ADDON) | cut -d' ' -f1)\"" \
		src/cli/entry-standalone.ts --outfile $@.new
	$(BUN) addon/standalone/detach.ts $@.new
	mv -f $@.new $@

deps: $(DEPS) $(MODULES) ## install what the build needs (Debian packages, npm packages)
js: $(JS) ## build the JavaScript that Node runs
man: $(MANUAL) ## build the manual pages
addon: $(ADDON) ## build the native addon and the init

install: $(STANDALONE) $(MANUAL) ## install the standalone binary, manual pages and completions below PREFIX
	install -D -m 0755 $(STANDALONE) $(DESTDIR)$(PREFIX)/bin/runtime-ts
	install -d $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 0644 build/man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8
	install -d $(addprefix $(DESTDIR),$(dir $(COMPLETIONS)))
	$(STANDALONE) completion bash > $(DESTDIR)$(word 1,$(COMPLETIONS))
	$(STANDALONE) completion zsh > $(DESTDIR)$(word 2,$(COMPLETIONS))
	$(STANDALONE) completion fish > $(DESTDIR)$(word 3,$(COMPLETIONS))

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/runtime-ts $(addprefix $(DESTDIR),$(COMPLETIONS))
	rm -f $(DESTDIR)$(PREFIX)/share/man/man8/runtime-ts.8 $(DESTDIR)$(PREFIX)/share/man/man8/runtime-ts-*.8

lint: $(MODULES) $(HELP) ## biome, tsc, clang-format, clang-tidy
	@test/tools/install-deps.sh lint
	$(BIN)/biome ci --colors=off
	$(BIN)/tsc -p tsconfig.json
	find addon test -name '*.cc' -o -name '*.h' -o -name '*.c' | xargs clang-format --dry-run --Werror
	test/tools/clang-tidy.sh

format: $(MODULES) ## format everything in place
	@test/tools/install-deps.sh lint
	$(BIN)/biome check --write
	find addon test -name '*.cc' -o -name '*.h' -o -name '*.c' | xargs clang-format -i

test: all ## run all tests; root runs the real containers, others only what needs no root
	@test/tools/install-deps.sh test
	test/run.sh

test-unit: $(HELP) $(ADDON) ## run the tests that need no root
	test/run.sh unit

test-integration: all ## run the tests with real containers, through RUNTIME (default build/runtime-ts)
	@test/tools/install-deps.sh test
	test/run.sh integration

test-vm: all ## run the tests that need systemd, cgroup v2 or AppArmor in a virtual machine; VM_TESTS=all|ci|FILE...
	test/vm/run.sh $(VM_TESTS)

test-engines: all ## run the engines of this machine over RUNTIME (default build/runtime-ts): ENGINE="containerd cri docker podman podman-rootless buildah buildah-rootless"
	@test/tools/install-deps.sh test engines
	RUNTIME=$(or $(RUNTIME),build/runtime-ts) TABLE=$(TABLE) test/engines/run.sh $(ENGINE)

test-engines-vm: all ## the same with cgroup v2 and systemd, in a virtual machine for each engine
	@test/tools/install-deps.sh test vm
	RUNTIME=$(or $(RUNTIME),build/runtime-ts) TABLE=$(TABLE) test/engines/vm.sh $(ENGINE)

demo: all ## make a demo bundle and run a container from it
	@test/tools/install-deps.sh test
	test/demo/run.sh

bench: all ## measure against crun and runc
	@test/tools/install-deps.sh bench
	$(BUN) test/bench/bench.ts $(BENCH_ARGS)

conformance: all ## run the OCI runtime-tools suite: VALIDATION=<folder of built programs> [PEERS="crun runc"] [ONLY=<regex>]
	$(BUN) test/conformance/run.ts $(addprefix --peer=,$(PEERS)) $(if $(ONLY),--only='$(ONLY)') $(VALIDATION)

clean: ## remove what was built
	rm -rf build src/generated .tap

ci: ## what .ci/run runs: build, lint, type-check, test
	$(MAKE) all
	$(MAKE) lint
	$(MAKE) test
