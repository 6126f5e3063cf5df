# Dust Devil. Every chapter N has a program N; `make` alone lists what to do.

# The steps there are. The last one is the end of the course.
STEPS = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38

# Where everything goes that is built. `make BUILD=elsewhere CFLAGS=... test`
# tests a variant, as `make check` does with the sanitizers.
BUILD = build
export BUILD

# CFLAGS, when you give them, replace ours; the always-flags stay.
ALWAYS       = -std=c11 -D_GNU_SOURCE -pthread \
               -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64
STEP_CFLAGS  = $(ALWAYS) $(DEFINE) $(or $(CFLAGS),-O1 -g -Wall -Wextra)
FINAL_CFLAGS = $(ALWAYS) $(DEFINE) $(or $(CFLAGS),-O2 -g -Wall -Wextra)

# `make TLS=yes ...` needs OpenSSL 1.1.1 or later (the package libssl-dev). The
# file below build says how the programs there are linked.
ifeq ($(TLS),yes)
DEFINE  = -DTLS
LIBS    = -lssl -lcrypto
endif
LINKED  = $(BUILD)/tls.$(if $(LIBS),yes,no)

LAST       = $(lastword $(STEPS))

# src/X.c is one of the five parts, and the folder src/X holds the rest of that
# part. A stage is flat, and an #include names no folder: no two files
# have the same name.
FOLDERS    = src $(filter-out src/steps,$(patsubst %/,%,$(wildcard src/*/)))
FILES      = $(foreach f,$(FOLDERS),$(wildcard $f/*.c $f/*.h))
COMPONENTS = $(filter-out src/main.c,$(FILES))
OBJECTS    = $(patsubst %.c,$(BUILD)/obj/%.o,$(notdir $(filter %.c,$(FILES))))
INCLUDES   = $(FOLDERS:%=-I%)
vpath %.c $(FOLDERS)

# Without this, make's built-in rules would link src/web.c into "src/web".
.SUFFIXES:

# Until src/main.c enters, with MAIN, a step has a program of src/steps: the last
# one whose number is not greater than its own, and the headers of src/steps that
# this program includes.
MAIN       = 26
upto       = $(wordlist 1,$(1),$(STEPS))
throwaway  = $(if $(filter $(1),$(wordlist $(MAIN),99,$(STEPS))),,$(lastword \
             $(foreach n,$(call upto,$(1)),$(wildcard src/steps/0$n-*.c src/steps/$n-*.c))))
program    = $(or $(call throwaway,$(1)),src/main.c)
helper     = $(if $(call throwaway,$(1)),$(wildcard $(shell sed -n \
             's|^.include "\([a-z]*\.h\)".*|src/steps/\1|p' $(call throwaway,$(1)))))

STAGES = $(STEPS:%=$(BUILD)/step-%/.staged)

.PHONY: help run all dustdevil check-lab ledger tools test check fuzz systems \
        coverage mutants bench soak tour diagrams book tags doctor clean format

help:       ## this list
	@awk -F ' *## *' '/^[a-z%-]+:.*## / { sub(/:.*/, "", $$1); \
	    sub(/%/, "N", $$1); printf "  make %-10s %s\n", $$1, $$2 }' Makefile
	@echo "N is a chapter, 1 to $(LAST)."

run: dustdevil ## build the whole server and run it; ARGS=... are its options
	$(BUILD)/dustdevil $(ARGS)

all: $(STEPS:%=step-%) dustdevil ## build every step, and the whole server

dustdevil: $(BUILD)/dustdevil ## build the whole server: build/dustdevil

step-%: $(BUILD)/step-%/server ## build the program of chapter N
	@$(if $(filter $@,$(MAKECMDGOALS)),echo "$< is ready; its source is in $(<D)/",:)

run-%: step-% ## build it and run it, with the tour on
	$(BUILD)/step-$*/server $(if $(filter-out 1,$*),--trace) $(ARGS)

# Without optimisation: an optimizer may leave no instruction to stop at.
debug-%:    ## run it in a debugger that shows each stop of the tour
	@$(MAKE) -s BUILD=$(BUILD)/debug CFLAGS='-O0 -g' $(BUILD)/debug/step-$*/server
	@sh tests/debug.sh $(BUILD)/debug/step-$* $(ARGS)

diff-%: $(STAGES) ## show what chapter N adds to the one before
	@mkdir -p $(BUILD)/step-0; cd $(BUILD) && \
	    diff -druN -x server -x .staged step-$$(($* - 1)) step-$*; [ $$? -le 1 ]

check-%: tools step-% $(BUILD)/client ## test the program of chapter N
	@sh tests/run.sh tests/step-$$(printf %02d $*).bats

lab-%: $(BUILD)/step-%/.staged ## copy step N into lab/, for your own changes
	@sh tests/lab.sh $*

check-lab: tools $(BUILD)/client ## test your changes: EX=05-3 an exercise, EX=05 the step
	@$(MAKE) -C lab && SERVER=lab/server sh tests/run.sh \
	    $(or $(wildcard tests/exercises/$(EX).bats),tests/step-$(EX).bats)

ledger: $(STAGES) ## lines of code that each chapter adds to each file
	@sh tests/ledger.sh $(STEPS)

# First of all, so that it is said before anything is built.
tools:
	@sh tests/run.sh

test: tools all $(BUILD)/client ## test everything; TESTS=... only these files
	@STEPS="$(STEPS)" sh tests/run.sh $(or $(TESTS),tests)

check: tools all $(BUILD)/client ## what takes longer than tests: strict compilers, sanitizers, new inputs
	@STEPS="$(STEPS)" MAKE="$(MAKE)" sh tests/check.sh

fuzz: ## let libFuzzer invent inputs: FUZZ_TIME=60 seconds for each harness
	@MAKE="$(MAKE)" sh tests/fuzz/fuzz.sh

systems: $(BUILD)/client ## test with clang, musl, -m32, s390x, kqueue; SYSTEMS=... some; ALL=1 more tests
	@MAKE="$(MAKE)" sh tests/systems.sh

coverage: tools $(BUILD)/client ## lines and branches that the tests reach; TESTS=... by these files
	@STEPS="$(STEPS)" sh tests/coverage.sh

mutants: tools $(BUILD)/client ## mistakes in src that no test notices; MUTANTS=100 SEED=1
	@bash tests/mutants.sh

bench: ## what a request costs, beside the least it can cost: 10 minutes; QUICK=1: 3
	@CC="$(CC)" MAKE="$(MAKE)" sh tests/bench/bench.sh

soak: dustdevil $(BUILD)/client $(BUILD)/bench/load ## ten minutes of everything at once, and what it leaves; SOAK=seconds
	@sh tests/soak.sh

tour: $(if $(TOUR),step-$(TOUR),dustdevil) ## one request through all its stops; TOUR=N in step N
	@sh tests/tour.sh $(if $(TOUR),$(BUILD)/step-$(TOUR)/server,$(BUILD)/dustdevil)

diagrams: dustdevil $(BUILD)/client ## draw the pictures that show a real run
	@sh tests/draw.sh $(BUILD) diagrams

book: ## the course in one HTML file, to print or to read offline
	@sh tests/book.sh $(BUILD)
	@echo "$(BUILD)/book/index.html is ready; to serve it at /static/:"
	@echo "make run ARGS=--static-path=$(BUILD)/book"

tags: ## a table of all names for your editor: build/tags
	@mkdir -p $(BUILD); cd $(BUILD) && awk -f $(CURDIR)/tests/tags.awk \
	    $(FILES:%=$(CURDIR)/%) | LC_ALL=C sort > tags

doctor: ## which tools there are, and what for
	@CC="$(CC)" sh tests/doctor.sh

clean: ## forget everything built (lab/ stays: it is yours)
	rm -rf $(BUILD)

format: ## lay out the sources as .clang-format says
	clang-format -i $(FILES) src/steps/*.[ch] tests/*.c tests/bench/*.[ch] tests/fuzz/*.[ch]

# One source tree, one filter; src/stage.awk has the rules. A stage is made
# beside its place and moved there whole, so there is never half a stage. It
# depends on the folders too: a file that is gone must go from the stages.
SOURCES = src $(wildcard src/* src/*/*)
$(BUILD)/step-%/.staged: $(SOURCES)
	@case " $(STEPS) " in *" $* "*) ;; \
	    *) echo "There is no step $*; the last one is $(LAST)."; exit 1 ;; esac
	@rm -rf $(@D).new; mkdir -p $(@D).new
	@for f in $(COMPONENTS) $(call helper,$*) $(call program,$*); do \
	    out=$${f##*/}; [ $$f != $(call program,$*) ] || out=main.c; \
	    awk -v n=$* -f src/stage.awk $$f > $(@D).new/$$out || exit 1; \
	    [ -s $(@D).new/$$out ] || rm $(@D).new/$$out; \
	done
	@touch $(@D).new/.staged; rm -rf $(@D); mv $(@D).new $(@D)

$(BUILD)/step-%/server: $(BUILD)/step-%/.staged
	$(CC) $(STEP_CFLAGS) $(@D)/*.c $(LDFLAGS) $(LIBS) -o $@

# Only ssl.c is another one with TLS.
$(BUILD)/step-37/server $(BUILD)/step-38/server $(BUILD)/obj/ssl.o: $(LINKED)
$(LINKED):
	@mkdir -p $(@D); rm -f $(BUILD)/tls.*; touch $@

$(BUILD)/dustdevil: $(OBJECTS)
	$(CC) $(FINAL_CFLAGS) $(OBJECTS) $(LDFLAGS) $(LIBS) -o $@

$(BUILD)/obj/%.o: %.c $(filter %.h,$(FILES))
	@mkdir -p $(@D)
	$(CC) $(FINAL_CFLAGS) $(INCLUDES) -c $< -o $@

# A client for the tests that can misbehave.
$(BUILD)/client: tests/client.c
	@mkdir -p $(@D)
	$(CC) $(FINAL_CFLAGS) $< $(LDFLAGS) -o $@

# TLS for the tests' clients: needs OpenSSL, whether the server has it or not.
$(BUILD)/tlsproxy: tests/tlsproxy.c
	@mkdir -p $(@D)
	$(CC) $(FINAL_CFLAGS) $< $(LDFLAGS) -lssl -lcrypto -o $@

# The floor to measure against, and what asks it; see tests/bench/bench.sh.
$(BUILD)/bench/%: tests/bench/%.c tests/bench/bench.h
	@mkdir -p $(@D)
	$(CC) $(FINAL_CFLAGS) $< $(LDFLAGS) -o $@

$(BUILD)/bench/load-tls: tests/bench/load.c tests/bench/bench.h
	@mkdir -p $(@D)
	$(CC) $(FINAL_CFLAGS) -DLOAD_TLS $< $(LDFLAGS) -lssl -lcrypto -o $@

.PRECIOUS: $(BUILD)/step-%/.staged $(BUILD)/step-%/server

# All that the harnesses and the models test: an archive, because one of them
# includes a file of src and takes only the others from here.
$(BUILD)/src.a: $(filter-out $(BUILD)/obj/main.o,$(OBJECTS))
	@rm -f $@
	$(AR) rc $@ $^

# A harness with replay.c, which gives it files, or, with FUZZ_MAIN empty, with
# libFuzzer, which invents inputs. See tests/fuzz/fuzz.h.
FUZZ_MAIN = tests/fuzz/replay.c
$(BUILD)/fuzz-%: tests/fuzz/%.c $(wildcard tests/fuzz/*.[ch]) $(BUILD)/src.a
	$(CC) $(FINAL_CFLAGS) $(INCLUDES) $< tests/fuzz/fuzz.c $(FUZZ_MAIN) \
	    $(BUILD)/src.a $(LDFLAGS) $(LIBS) -o $@
