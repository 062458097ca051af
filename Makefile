# Sockerless: the only build entry. `make help` lists the targets.
#
# SAN selects the instrumentation and with it the output tree: `make all SAN=asan` builds into
# build/asan; plain builds go to build/release. Sources are found by name: a new .c file in a
# component's folder, or in a folder of it, is part of it.

.DEFAULT_GOAL := all
SHELL := /bin/bash
MAKEFLAGS += --no-builtin-rules
# All processors, unless -j says otherwise; a make within a make shares what the first has.
ifeq ($(MAKELEVEL)$(filter -j% --jobserver%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif
SAN ?= release
BUILD := build/$(SAN)
ifeq ($(origin CC),default)
CC := gcc
endif
V ?= 0
Q := $(if $(filter 1,$(V)),,@)

# ---- flags -------------------------------------------------------------------------------------
# snprintf cuts on purpose here, so gcc need not warn of it
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror \
	-Wno-unknown-warning-option -Wno-format-truncation
INCLUDES := -Icommon -I. -Ibuild/gen -isystem /usr/share/include/llhttp
BASE_CFLAGS := -std=gnu11 -D_GNU_SOURCE -fno-strict-aliasing $(INCLUDES)
ifeq ($(SAN),release)
SAN_CFLAGS := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
else ifeq ($(SAN),asan)
SAN_CFLAGS := -O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
else ifeq ($(SAN),tsan)
SAN_CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
else ifeq ($(SAN),debug)
# what holds the loop is named in the log, with the functions that the dynamic symbols name
SAN_CFLAGS := -Og -g3 -fno-omit-frame-pointer -DSOCKERLESS_DEBUG=1
LDFLAGS += -rdynamic
else ifeq ($(SAN),valgrind)
SAN_CFLAGS := -O1 -g -DSOCKERLESS_VALGRIND=1
else ifeq ($(SAN),fuzz)
override CC := clang
SAN_CFLAGS := -O1 -g1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
else
$(error SAN must be release, debug, asan, tsan, valgrind or fuzz)
endif
# Test programs themselves are compiled for a short build; -O0 needs no _FORTIFY_SOURCE.
TEST_CFLAGS := $(filter-out -O1 -O2 -g -D_FORTIFY_SOURCE%,$(SAN_CFLAGS)) -O0 -g1
SAN_LDFLAGS := $(filter -fsanitize=%,$(subst fuzzer-no-link,address,$(SAN_CFLAGS)))
VERSION := 0.1.0
COMPILE_ONLY = $(CC) $(BASE_CFLAGS) -DSOCKERLESS_VERSION='"$(VERSION)"'
COMPILE = $(COMPILE_ONLY) -MMD -MP

# ---- sources -----------------------------------------------------------------------------------
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(shell find $(1) -name '*.c')))
archive = $(BUILD)/lib/lib$(1).a

PROTO_NAMES := sockerless state
PROTO_C := $(PROTO_NAMES:%=build/gen/proto/%.pb-c.c)
LLHTTP_DIR := /usr/share/llhttp

COMMON := backend cloud oci json ipc loop base
COMMON_LIBS := $(foreach c,$(COMMON),$(call archive,$(c))) $(call archive,proto) $(call archive,llhttp)
# A component uses only those behind it: this order satisfies the linker.

FRONTEND_OBJ := $(call objects,frontend)
ECS_OBJ := $(call objects,backend-ecs)
CLOUDRUN_OBJ := $(call objects,backend-cloudrun)
ACA_OBJ := $(call objects,backend-aca)
GCF_OBJ := $(call objects,backend-gcf)
AGENT_OBJ := $(call objects,agent)
SIM_SHARED_OBJ := $(call objects,test/sim/host test/sim/http)
SIM_AWS_OBJ := $(call objects,test/sim/aws) $(SIM_SHARED_OBJ)
SIM_GCP_OBJ := $(call objects,test/sim/gcp) $(SIM_SHARED_OBJ)
SIM_AZURE_OBJ := $(call objects,test/sim/azure) $(SIM_SHARED_OBJ)

LIBS_CORE := -luv -lnng -lprotobuf-c -lpthread
LIBS_BACKEND := -lcurl -lexpat -lsqlite3 -ljansson -larchive -lz -lzstd -ldeflate -lpcre2-8 -lssl \
	-lcrypto $(LIBS_CORE)
LIBS_SIM := -lmicrohttpd -lcurl -larchive -ljansson -lcrypto -lpthread

PROGRAMS := sockerless-frontend sockerless-backend-ecs sockerless-backend-cloudrun \
	sockerless-backend-aca sockerless-backend-gcf sockerless-agent sockerless-sim-aws sockerless-sim-gcp sockerless-sim-azure
BINARIES := $(addprefix $(BUILD)/bin/,$(PROGRAMS))

.PHONY: all
all: deps-build
	$(Q)$(MAKE) --no-print-directory binaries
.PHONY: binaries
binaries: $(BINARIES)

# ---- compiling ---------------------------------------------------------------------------------
# Both files come from one run; what includes the header is compiled again in the same make.
build/gen/proto/%.pb-c.c build/gen/proto/%.pb-c.h: proto/%.proto
	@mkdir -p build/gen
	@echo "  PROTO $<"
	$(Q)protoc-c --c_out=build/gen $<

# The variables of all programs: none of them takes a setting of another for a misspelt one of its own.
# The names are composed by macros, hence the preprocessor.
VARIABLES_H := build/gen/base/variables.h
VARIABLES_FROM := common/backend/daemon/backend_main.c agent/options.c \
	$(wildcard agent/main.c frontend/main.c backend-*/main.c test/sim/*/main.c)
$(VARIABLES_H): Makefile $(VARIABLES_FROM) $(wildcard agent/options.h backend-*/*.h common/cloud/*.h common/backend/state/*.h) | $(PROTO_C)
	@mkdir -p $(@D)
	@echo "  VARS  $@"
	$(Q)set -o pipefail; { echo 'static const char *const program_variables[] = {'; for f in $(VARIABLES_FROM); do \
		$(COMPILE_ONLY) -E -P $$f || exit 1; done | tr '\n' ' ' | \
		grep -oE '"(SOCKERLESS_[A-Z0-9_]*)"( *"_[A-Z0-9_]*")*' | sed -E 's/" *"//g; s/$$/,/' | \
		LC_ALL=C sort -u; echo '};'; } >$@.$$$$ && mv $@.$$$$ $@

$(BUILD)/obj/%.o: %.c | $(PROTO_C) $(VARIABLES_H)
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(COMPILE) $(WARN) $(SAN_CFLAGS) $(CFLAGS) -c $< -o $@

$(BUILD)/obj/test/unit/%.o: private SAN_CFLAGS := $(TEST_CFLAGS)

# Generated and Debian's own sources: not held to our warnings.
$(BUILD)/obj/gen/%.o: build/gen/proto/%.c | $(PROTO_C)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(SAN_CFLAGS) $(CFLAGS) -c $< -o $@
$(BUILD)/obj/llhttp/%.o: $(LLHTTP_DIR)/%.c
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(SAN_CFLAGS) $(CFLAGS) -c $< -o $@

define archive_rule
$(call archive,$(1)): $(call objects,common/$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(Q)ar rcs $$@ $$^
endef
$(foreach c,$(COMMON),$(eval $(call archive_rule,$(c))))
$(call archive,proto): $(PROTO_NAMES:%=$(BUILD)/obj/gen/%.pb-c.o)
	@mkdir -p $(@D)
	$(Q)ar rcs $@ $^
$(call archive,llhttp): $(addprefix $(BUILD)/obj/llhttp/,api.o http.o llhttp.o)
	@mkdir -p $(@D)
	$(Q)ar rcs $@ $^

# gold links a test program in a third of ld.bfd's time; both are in binutils.
LINK = @mkdir -p $(@D); echo "  LINK  $@"; $(CC) $(SAN_LDFLAGS) -fuse-ld=gold -Wl,--as-needed $(LDFLAGS) -o $@

$(BUILD)/bin/sockerless-frontend: $(FRONTEND_OBJ) $(COMMON_LIBS)
	$(LINK) $^ -ljansson $(LIBS_CORE)
$(BUILD)/bin/sockerless-backend-ecs: $(ECS_OBJ) $(COMMON_LIBS)
	$(LINK) $^ $(LIBS_BACKEND)
$(BUILD)/bin/sockerless-backend-cloudrun: $(CLOUDRUN_OBJ) $(COMMON_LIBS)
	$(LINK) $^ $(LIBS_BACKEND)
$(BUILD)/bin/sockerless-backend-aca: $(ACA_OBJ) $(COMMON_LIBS)
	$(LINK) $^ $(LIBS_BACKEND)
$(BUILD)/bin/sockerless-backend-gcf: $(GCF_OBJ) $(COMMON_LIBS)
	$(LINK) $^ $(LIBS_BACKEND)
$(BUILD)/bin/sockerless-sim-aws: $(SIM_AWS_OBJ) $(call archive,base) $(call archive,proto)
	$(LINK) $^ -lprotobuf-c $(LIBS_SIM)
$(BUILD)/bin/sockerless-sim-gcp: $(SIM_GCP_OBJ) $(call archive,base) $(call archive,proto)
	$(LINK) $^ -lprotobuf-c $(LIBS_SIM)
$(BUILD)/bin/sockerless-sim-azure: $(SIM_AZURE_OBJ) $(call archive,base) $(call archive,proto)
	$(LINK) $^ -lprotobuf-c $(LIBS_SIM)

# The agent is static and must run in any image. Sanitizers cannot be linked statically, so every
# tree carries the release agent; the agent's own tests run its objects under the sanitizers.
AGENT_STATIC_LIBS := -luv_a -lnng -lmbedtls -lmbedx509 -lmbedcrypto -lprotobuf-c -lpthread -ldl
ifeq ($(SAN),release)
$(BUILD)/bin/sockerless-agent: $(AGENT_OBJ) $(COMMON_LIBS)
	@mkdir -p $(@D); echo "  LINK  $@"
	$(Q)$(CC) -static -s -o $@ $^ $(AGENT_STATIC_LIBS) 2> $@.log || { cat $@.log; exit 1; }
else
$(BUILD)/bin/sockerless-agent: FORCE
	$(Q)$(MAKE) --no-print-directory SAN=release build/release/bin/sockerless-agent
	@mkdir -p $(@D)
	$(Q)cmp -s build/release/bin/sockerless-agent $@ || cp build/release/bin/sockerless-agent $@
endif
FORCE:

# ---- tests -------------------------------------------------------------------------------------
# test/unit/FOLDER/PREFIX_name.c is linked with the component of PREFIX and the common archives.
unit_component_frontend = $(filter-out %/main.o,$(FRONTEND_OBJ))
unit_component_agent = $(filter-out %/main.o,$(AGENT_OBJ))
unit_component_ecs = $(filter-out %/main.o,$(ECS_OBJ))
unit_component_cloudrun = $(filter-out %/main.o,$(CLOUDRUN_OBJ))
unit_component_gcf = $(filter-out %/main.o,$(GCF_OBJ))
unit_component_aca = $(filter-out %/main.o,$(ACA_OBJ))
unit_component_sim = $(filter-out %/main.o,$(SIM_AWS_OBJ))
unit_component_gcpsim = $(filter-out %/main.o,$(SIM_GCP_OBJ))
# With the backend's queries, which the simulator's strict parser has to understand.
unit_component_azuresim = $(filter-out %/main.o,$(SIM_AZURE_OBJ)) $(filter %/aca_query.o %/aca_names.o,$(ACA_OBJ))
prefix_of = $(firstword $(subst _, ,$(1)))
component_of = $(unit_component_$(call prefix_of,$(1)))
# base, loop, ipc, oci and cloud tests link no more than they need: that keeps the layers honest.
unit_libs_base := base proto
unit_libs_loop := loop base proto
unit_libs_ipc := ipc loop base proto llhttp
unit_libs_oci := oci json loop base proto
unit_libs_cloud := cloud oci json loop base proto
unit_libs_sim := base proto
unit_libs_gcpsim := loop base proto
unit_libs_azuresim := cloud oci json loop base proto
libs_of = $(foreach c,$(or $(unit_libs_$(call prefix_of,$(1))),$(COMMON) proto llhttp),$(call archive,$(c)))

UNIT_SOURCES := $(wildcard test/unit/*/*.c)
UNIT_NAMES := $(notdir $(UNIT_SOURCES:.c=))
unit_object = $(patsubst %.c,$(BUILD)/obj/%.o,$(filter %/$(1).c,$(UNIT_SOURCES)))
UNIT_BINS := $(addprefix $(BUILD)/test/unit/,$(UNIT_NAMES))
FUZZ_NAMES := $(patsubst test/fuzz/%.c,%,$(wildcard test/fuzz/*.c))
FUZZ_BINS := $(addprefix $(BUILD)/test/fuzz/,$(FUZZ_NAMES))
LIBS_TEST := -lcmocka -lmicrohttpd -lwslay $(LIBS_BACKEND)

# What unit programs share: test.h and its main function, rigs, fakes.
$(call archive,kit): $(call objects,test/kit)
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)ar rcs $@ $^

define unit_rule
$(BUILD)/test/unit/$(1): $(call unit_object,$(1)) $(call archive,kit) $(call component_of,$(1)) $(call libs_of,$(1))
	$$(LINK) $$^ $(LIBS_TEST)
endef
$(foreach t,$(UNIT_NAMES),$(eval $(call unit_rule,$(t))))

define fuzz_rule
$(BUILD)/test/fuzz/$(1): $(BUILD)/obj/test/fuzz/$(1).o $(call component_of,$(1)) $(call libs_of,$(1))
	@mkdir -p $$(@D); echo "  LINK  $$@"
	$$(Q)clang -fsanitize=fuzzer,address,undefined -o $$@ $$^ -lwslay -lmicrohttpd $(LIBS_BACKEND)
endef
$(foreach t,$(FUZZ_NAMES),$(eval $(call fuzz_rule,$(t))))
$(BUILD)/test/fuzz/ipc_ws_handshake: $(BUILD)/obj/test/kit/ws_oracle.o

BENCH_BIN := $(BUILD)/test/bench/bench
$(BENCH_BIN): $(BUILD)/obj/test/bench/bench.o $(COMMON_LIBS)
	$(LINK) $^ -ljansson $(LIBS_CORE)

.PHONY: unit-binaries fuzz-binaries fuzz-objects
unit-binaries: $(UNIT_BINS)
fuzz-objects: $(FUZZ_NAMES:%=$(BUILD)/obj/test/fuzz/%.o) $(sort $(foreach t,$(FUZZ_NAMES),$(call component_of,$(t)) $(call libs_of,$(t))))
fuzz-binaries: $(FUZZ_BINS)

.PHONY: deps-build deps-run deps-test deps-lint deps-models deps-sdks
deps-build deps-run deps-test deps-lint deps-models deps-sdks: deps-%:
	@deploy/local/deps.sh $*

# Which cloud is embedded (ecs, cloudrun, aca, gcf) and who dials the agent (forward, reverse).
BACKEND ?= ecs
AGENT ?= forward
# What root has built belongs to the user who has called sudo.
OWN_BUILD = [ -z "$$SUDO_UID" ] || [ "$$(id -u)" != 0 ] || chown -Rh "$$SUDO_UID:$$SUDO_GID" build

.PHONY: run
run: export BACKEND := $(BACKEND)
run: export AGENT := $(AGENT)
run: export BIN_DIR ?= $(CURDIR)/$(BUILD)/bin
run: ## main job: the embedded local cloud (BACKEND=ecs, cloudrun, aca or gcf), ends with a line printed by a container
	@deploy/local/up.sh --check
	@deploy/local/deps.sh run
	@mkdir -p build; flock -n build true || echo "another make run builds here; waiting until it has ended"
	$(Q)flock build $(MAKE) --no-print-directory binaries && { $(OWN_BUILD); }
	@deploy/local/up.sh

.PHONY: stop
stop: export BIN_DIR ?= $(CURDIR)/$(BUILD)/bin
stop: ## end everything that `make run` started
	@deploy/local/down.sh

# What test/run is told: see there. The first cloud has all scenarios in `make test`.
CLOUDS := $(patsubst deploy/local/cloud_%.sh,%,$(wildcard deploy/local/cloud_*.sh))
FURTHER := $(filter-out ecs,$(CLOUDS))
# Where agents can only dial, the cloud's own word means that.
DIALS_ONLY := $(patsubst deploy/local/cloud_%.sh,%,$(shell grep -l '^CLOUD_AGENT=' deploy/local/cloud_*.sh))
REVERSE := $(patsubst %,%-reverse,$(filter-out $(DIALS_ONLY),$(CLOUDS))) $(DIALS_ONLY)
# All ways of all clouds, each once.
WAYS = $(sort $(CLOUDS) $(REVERSE))

.PHONY: test-binaries
test-binaries: binaries unit-binaries

.PHONY: test
test: deps-test ## unit programs, all scenarios on ECS, a part on the other clouds, dockerd where a scenario is new
	$(Q)$(MAKE) --no-print-directory test-binaries
	@test/run units oracle ecs $(FURTHER:%=%:@smoke)

# One unit program or one scenario file: BACKEND=dockerd asks a real one; E2E_FILTER='REGEX' chooses.
CHECK_UNIT = $(strip $(foreach t,$(UNIT_NAMES),$(if $(filter $(T),$(t) $(notdir $(t)) $(subst /,_,$(t))),$(t))))
CHECK_GROUP = $(if $(filter dockerd,$(BACKEND)),oracle,$(BACKEND)$(if $(filter reverse,$(AGENT)),-reverse))
.PHONY: check
check: deps-test ## one thing: T=backend_logs, or T=logs BACKEND=cloudrun AGENT=reverse (SAN=asan, E2E_FILTER)
	$(if $(T),,$(error T is missing: make check T=PROGRAM-OF-test/unit or T=FILE-OF-test/e2e))
	$(Q)$(MAKE) --no-print-directory $(if $(CHECK_UNIT),$(CHECK_UNIT:%=$(BUILD)/test/unit/%)) binaries
	@test/run --slow $(SAN)/$(if $(CHECK_UNIT),units:$(T),$(CHECK_GROUP):$(T))

.PHONY: check-aca check-cloudrun check-ecs check-gcf
check-aca check-cloudrun check-ecs check-gcf: check-%: deps-test ## all scenarios on one cloud, agents dialled and dialling
	$(Q)$(MAKE) --no-print-directory binaries
	@test/run --slow $(patsubst %,$(SAN)/%,$(filter $* $*-reverse,$(WAYS)))

.PHONY: sim-test-gcp
sim-test-gcp: deps-test ## the simulated Google Cloud and what speaks to it, 200 followers among it
	$(Q)$(MAKE) --no-print-directory test-binaries
	@test/run --slow units:gcpsim_*,gcp_*,cloudrun_*,gcf_* cloudrun:sockerless_cloudrun_* gcf:sockerless_gcf_*,run,lifecycle

.PHONY: sim-test-azure
sim-test-azure: deps-test ## the simulated Azure and what speaks to it
	$(Q)$(MAKE) --no-print-directory test-binaries
	@test/run --slow units:azuresim_*,azure_*,aca_* aca:logs,run,lifecycle

.PHONY: check-reverse
check-reverse: deps-test ## the core scenarios with agents that dial the backend, on every cloud
	$(Q)$(MAKE) --no-print-directory binaries
	@test/run $(REVERSE:%=%:@core)

.PHONY: check-asan
check-asan: deps-test ## with ASan, UBSan and LSan: unit programs, and all scenarios on one cloud (ASAN_CLOUD)
	$(Q)$(MAKE) --no-print-directory SAN=asan test-binaries
	@test/run asan/units asan/$(ASAN_CLOUD)
# Not the cloud that `make test` runs them on.
ASAN_CLOUD ?= cloudrun

# What runs threads: nng's behind ipc, libuv's pool, the readers of image archives.
TSAN_UNITS = $(filter loop_% ipc_% backend_intake backend_transfer backend_inject,$(UNIT_NAMES))
.PHONY: check-tsan
check-tsan: deps-test ## with ThreadSanitizer: the unit programs that use threads
	$(Q)$(MAKE) --no-print-directory SAN=tsan $(TSAN_UNITS:%=build/tsan/test/unit/%)
	@TSAN_OPTIONS="suppressions=$(CURDIR)/test/tsan.supp halt_on_error=1" \
		test/run --slow tsan/units:$(subst $(space),$(comma),$(strip $(TSAN_UNITS)))
comma := ,
space := $(subst ,, )

.PHONY: check-ci
check-ci: deps-test ## what .ci/run adds to `make test`: check-asan, check-reverse
	$(Q)$(MAKE) --no-print-directory binaries
	$(Q)$(MAKE) --no-print-directory SAN=asan test-binaries
	@test/run asan/units asan/$(ASAN_CLOUD) $(patsubst %,%:@core,$(BOTH_WAYS)) \
		$(patsubst %,%:@own,$(filter-out $(ASAN_CLOUD)-reverse ecs-reverse,$(BOTH_WAYS))) $(DIALS_ONLY:%=%:@core,@own,-@smoke)
# What dials only has had its smoke part in `make test`, the same way.
BOTH_WAYS = $(filter-out $(DIALS_ONLY),$(REVERSE))

.PHONY: oracle
oracle: deps-test ## all scenarios against a real dockerd; test/e2e/oracle.sums says what passed
	$(Q)$(MAKE) --no-print-directory binaries
	@test/run oracle-all

.PHONY: chaos
chaos: deps-test ## random operations, faults and kill -9 on every cloud, both ways (CHAOS_SEED, CHAOS_SECONDS)
	$(Q)$(MAKE) --no-print-directory binaries
	@test/run --soak --slots 1 $(WAYS:%=%:z_sockerless_chaos)

.PHONY: budgets
budgets: deps-test ## what takes longer than a scenario, a file, a unit program may; on an idle machine
	$(Q)$(MAKE) --no-print-directory test-binaries
	@test/run --budgets --slots 1 units $(CLOUDS)

.PHONY: check-all
check-all: deps-test ## everything × clouds × directions × {release, ASan}, dockerd, fuzz, valgrind, chaos, budgets, bench
	$(Q)$(MAKE) --no-print-directory lint
	$(Q)$(MAKE) --no-print-directory test-binaries
	$(Q)$(MAKE) --no-print-directory SAN=asan test-binaries
	@test/run --slow units asan/units oracle-all $(WAYS) $(WAYS:%=asan/%)
	$(Q)for target in check-tsan budgets chaos fuzz check-valgrind check-models check-sdks bench bench-load; do \
		$(MAKE) --no-print-directory $$target || exit 1; done

.PHONY: check-valgrind
check-valgrind: deps-test ## unit tests under valgrind
	$(Q)$(MAKE) --no-print-directory SAN=valgrind test-binaries
	@SAN=valgrind test/run_valgrind.sh

FUZZ_SECONDS ?= 60
.PHONY: fuzz
fuzz: deps-test ## every fuzzer, FUZZ_SECONDS each
	$(Q)$(MAKE) --no-print-directory SAN=fuzz fuzz-binaries
	@test/fuzz/run.sh build/fuzz/test/fuzz $(FUZZ_SECONDS)
.PHONY: fuzz-ci
fuzz-ci: deps-test ## every fuzzer for 5 s; for 60 s those whose sources are not in test/fuzz/fuzzed.sums
	$(Q)$(MAKE) --no-print-directory SAN=fuzz fuzz-binaries
	@test/fuzz/run.sh build/fuzz/test/fuzz 5 60

.PHONY: bench
bench: deps-test ## ratios to a real dockerd in the same run
	$(Q)$(MAKE) --no-print-directory binaries $(BENCH_BIN)
	@test/bench/run.sh $(BENCH_BIN)
	@BIN_DIR=$(CURDIR)/$(BUILD)/bin test/bench/start.sh $(BENCH_BIN)
.PHONY: bench-load
bench-load: deps-test ## a 2 GB docker load against skopeo copy in the same run
	$(Q)$(MAKE) --no-print-directory binaries
	@BIN_DIR="$$PWD/$(BUILD)/bin" test/bench/load.sh

.PHONY: check-models
check-models: deps-models ## requests and answers against the vendors' API models, which test/conformance/run.sh looks for
	$(Q)$(MAKE) --no-print-directory binaries $(filter %gcpsim_run %gcpsim_functions %azuresim_jobs %azuresim_rules %azuresim_logs,$(UNIT_BINS))
	@test/conformance/run.sh

.PHONY: check-sdks
check-sdks: deps-run deps-sdks ## the vendors' own Python clients, from PyPI, against the simulated clouds
	$(Q)$(MAKE) --no-print-directory binaries
	@BIN_DIR=$(CURDIR)/$(BUILD)/bin test/sdks/run.sh

# ---- lint, format, install ---------------------------------------------------------------------
C_FILES = $(shell git ls-files '*.c' '*.h')
.PHONY: format
format: deps-lint ## clang-format in place
	@clang-format-14 -i $(C_FILES)

LINT := lint-format lint-rules lint-cppcheck lint-clang
.PHONY: lint $(LINT)
lint: deps-lint ## format check, cppcheck, clang's warnings, dependency direction, packages of what tests start
	$(Q)$(MAKE) --no-print-directory $(LINT)
lint-format:
	@clang-format-14 --dry-run -Werror $(C_FILES)
	@! command -v terraform >/dev/null || for d in backend-*/examples; do terraform fmt -check -recursive $$d || exit 1; done
lint-rules:
	$(Q)$(MAKE) --no-print-directory lint-structure
	@test/lint/docs_tests.sh
	@test/lint/docs_blocks.py
	@test/lint/packages.py
	@mkdir -p build/lint; test/runner/runner_test.py >build/lint/runner_test.log 2>&1 || \
		{ cat build/lint/runner_test.log; exit 1; }
lint-cppcheck: $(PROTO_C) $(VARIABLES_H)
	@cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -D_GNU_SOURCE -j$(shell nproc) \
		--enable=warning,portability --suppress=missingIncludeSystem \
		--suppress='*:build/gen/*' --suppressions-list=test/lint/cppcheck.txt \
		--library=test/lint/cppcheck.cfg \
		-DPROTOBUF_C_VERSION_NUMBER=1004000 -DPROTOBUF_C_MIN_COMPILER_VERSION=1000000 \
		$(INCLUDES) $(filter %.c,$(C_FILES))
# clang compiles what fuzzers link, with the same warnings; of all other files it checks the syntax.
lint-clang: $(PROTO_C) $(VARIABLES_H)
	$(Q)$(MAKE) --no-print-directory SAN=fuzz fuzz-objects
	@echo "  clang -Werror"
	@for f in $(filter %.c,$(C_FILES)); do [ -e build/fuzz/obj/$${f%.c}.o ] || echo $$f; done | xargs -P $(shell nproc) -n 8 \
		clang $(BASE_CFLAGS) -DSOCKERLESS_VERSION='"x"' $(WARN) -fsyntax-only

# Layers of folders, and cycles between the object files of a component.
LINT_OBJ := $(call objects,common frontend agent backend-* test/sim)
.PHONY: lint-structure
lint-structure: $(LINT_OBJ) ## prints which folder includes which; fails on a cycle or an include against the layers
	@test/lint/lint_test.py 2> $(BUILD)/lint_test.log || { cat $(BUILD)/lint_test.log; exit 1; }
	@bad=0; test/lint/layers.py || bad=1; test/lint/cycles.py $(LINT_OBJ) || bad=1; exit $$bad

compile_commands.json: export COMMAND = $(COMPILE) $(WARN) $(SAN_CFLAGS) -c
compile_commands.json: Makefile $(PROTO_C) FORCE ## how each file is compiled, for clangd and other tools
	@command=$$(sed 's/"/\\"/g' <<<"$$COMMAND"); folder=$$(sed 's/[\\"]/\\&/g' <<<"$$PWD"); sep='['; for f in $(filter %.c,$(C_FILES)); do \
		echo "$$sep"; printf '{"directory": "%s", "file": "%s", "command": "%s %s"}' "$$folder" "$$f" "$$command" "$$f"; \
		sep=,; done >$@; echo ']' >>$@

PREFIX ?= /usr/local
INSTALLED := $(filter-out %sim-aws %sim-gcp %sim-azure,$(BINARIES))
.PHONY: install uninstall
install uninstall: export PREFIX := $(PREFIX)
install uninstall: export DESTDIR := $(DESTDIR)
install: all ## binaries to $(PREFIX)/bin
	$(Q)install -d "$$DESTDIR$$PREFIX/bin"
	$(Q)install -m 0755 $(INSTALLED) "$$DESTDIR$$PREFIX/bin"
	@$(OWN_BUILD)
	@echo "installed $(notdir $(INSTALLED)) in $$DESTDIR$$PREFIX/bin"
uninstall: ## removes them again
	$(Q)[ ! -d "$$DESTDIR$$PREFIX/bin" ] || { cd "$$DESTDIR$$PREFIX/bin" && rm -f $(notdir $(INSTALLED)); }

.PHONY: clean
clean: ## forget every build
	rm -rf build

.PHONY: help
help: ## this list
	@grep -hE '^[a-z_.-][a-z_. -]*:.*##' Makefile | sed -E 's/:[^#]*## */\t/' | expand -t 28

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
