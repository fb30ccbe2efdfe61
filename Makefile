# Everything runs in .venv; the first target that needs it makes it.

VENV := .venv
BIN := $(VENV)/bin
# A target's commands find the programs of .venv first.
IN_VENV := PATH="$(CURDIR)/$(BIN):$$PATH"
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --quiet
PROJECT := $(INSTALL) --no-deps --no-build-isolation --editable .
RUN_LOCKS := requirements.txt requirements-build.txt requirements-embedded.txt
COMPILE := $(IN_VENV) uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--prerelease if-necessary-or-explicit \
	--custom-compile-command "make lock" $(UPGRADE)

.DEFAULT_GOAL := help
.PHONY: help run test alerts fuzz bench bench-backups bench-report bench-sync chaos chaos-failover chaos-faults chaos-kills chaos-sessions chaos-sync rolling-deploy machine-access machine-sync model mutate-guards rehearse-migrations lint types contracts format openapi lock clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

run: $(VENV)/.run ## Start Pastis with a database of its own
	@exec $(BIN)/pastis serve

test: $(VENV)/.dev ## Run every test with coverage
	$(IN_VENV) pytest -v --cov=app/ --cov-report=term-missing app/tests

fuzz: $(VENV)/.dev ## Try made-up requests and properties at depth (20 minutes)
	$(IN_VENV) PASTIS_FUZZ_EXAMPLES="$${PASTIS_FUZZ_EXAMPLES:-500}" pytest -m hypothesis --timeout 3600 app/tests

bench: $(VENV)/.dev ## Measure speed as ratios in one run (5 minutes)
	$(IN_VENV) python -m benchmarks.run

bench-report: $(VENV)/.dev ## Measure Pastis beside others, and write docs/benchmarks.md (40 minutes)
	$(IN_VENV) python -m benchmarks.report.run

bench-sync: $(VENV)/.dev ## Measure the live stream with up to 10,000 clients (40 minutes)
	$(IN_VENV) python -m benchmarks.sync.run

bench-backups: $(VENV)/.dev ## Measure backups beside 16 writers, and restores, with 100,000 tasks (10 minutes)
	$(IN_VENV) python -m benchmarks.backups

chaos: $(VENV)/.dev ## Kill processes under load and look what is lost (10 minutes)
	$(IN_VENV) python -m chaos.writes --rounds 20 --seconds 30 --clients 16

chaos-sessions: $(VENV)/.dev ## Lose answers, kill processes and replay tokens, and look who is logged out (5 minutes)
	$(IN_VENV) python -m chaos.sessions

chaos-sync: $(VENV)/.dev ## Kill, stop and cut what 200 clients follow, and look what each of them holds (12 minutes)
	$(IN_VENV) python -m chaos.sync --seconds 600 --clients 200

chaos-failover: $(VENV)/.dev ## Lose the primary 200 times under 50 writers, and look what is lost (1 hour)
	$(IN_VENV) python -m chaos.failover --kills 200 --writers 50

chaos-faults: $(VENV)/.dev ## Hurt an installation in each way once, and look what clients see (15 minutes)
	$(IN_VENV) python -m chaos.trials

chaos-kills: $(VENV)/.dev ## Kill the API 1,000 times under load, and look what is lost (1 hour)
	$(IN_VENV) python -m chaos.kills --kills 1000

alerts: $(VENV)/.dev ## Kill the API and see the alert fire at a real Alertmanager, and end (5 minutes)
	$(IN_VENV) python -m chaos.alerts

rolling-deploy: $(VENV)/.dev ## Deploy and roll back under load, and look what fails (5 minutes)
	$(IN_VENV) python -m chaos.rolling --rounds 10 --clients 16 --streams 100

machine-access: $(VENV)/.dev ## Do 10,000 things as many people, and ask an oracle who may (20 minutes)
	$(IN_VENV) PASTIS_MACHINE_STEPS="$${PASTIS_MACHINE_STEPS:-10000}" \
		pytest -q -n 0 --timeout 7200 --show-capture=no app/tests/test_api/access

machine-sync: $(VENV)/.dev ## Take 2,000 steps of sync, and ask an oracle what each client must hold (40 minutes)
	$(IN_VENV) PASTIS_SYNC_STEPS="$${PASTIS_SYNC_STEPS:-2000}" pytest -q -n 0 --timeout 7200 --show-capture=no \
		app/tests/test_api/sync/test_machine.py app/tests/test_api/sync/test_machine_bugs.py

model: $(VENV)/.dev ## Explore every state of the sync protocol's model (1 minute)
	$(IN_VENV) python -m model.run

mutate-guards: $(VENV)/.dev ## Delete each guard in turn and look which test notices (30 minutes)
	$(IN_VENV) python -m mutation.run

rehearse-migrations: $(VENV)/.dev ## Kill migrations of former data at every step, and look what becomes of it (20 minutes)
	$(IN_VENV) python -m rehearsal.run

lint: $(VENV)/.dev ## Check style
	$(IN_VENV) ruff check .
	$(IN_VENV) ruff format --check .

types: $(VENV)/.dev ## Check types
	$(IN_VENV) mypy

contracts: $(VENV)/.dev ## Check which floor imports which
	$(IN_VENV) lint-imports

format: $(VENV)/.dev ## Rewrite the style
	$(IN_VENV) ruff check --fix .
	$(IN_VENV) ruff format .

openapi: $(VENV)/.dev ## Write docs/openapi.json
	$(IN_VENV) pastis openapi --output docs/openapi.json

lock: $(VENV)/.made ## Lock the dependencies; make lock UPGRADE=--upgrade takes newer ones
	$(INSTALL) uv
	$(COMPILE) pyproject.toml --extra embedded --extra secantus --extra dev -o requirements-dev.txt
	$(COMPILE) pyproject.toml -c requirements-dev.txt --no-annotate -o requirements.txt
	printf 'hatchling\neditables\n' | $(COMPILE) - -c requirements-dev.txt --no-annotate -o requirements-build.txt
	sed -n '/^embedded = \[/,/^]/s/^ *"\(.*\)",$$/\1/p' pyproject.toml \
		| $(COMPILE) - -c requirements-dev.txt --no-annotate -o requirements-embedded.txt

clean: ## Remove .venv and caches, never data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.*

# The stamps: a lock that changed is installed again, one that did not costs nothing. A lock names all there is:
# asked for dependencies, an older pip would look for newer releases and refuse them for want of a hash.
$(VENV)/.made:
	@for python in python3.13 python3.12 python3.11 python3; do \
		if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
		then set -e; $$python -m venv $(VENV); touch $@; exit 0; fi; \
	done; \
	echo "Pastis needs Python 3.11 or newer with its venv module (Debian: apt install python3-venv)." >&2; exit 1

$(VENV)/.run: $(VENV)/.made $(RUN_LOCKS) pyproject.toml
	@echo "Installing the locked packages into $(VENV)..."
	@$(INSTALL) --no-deps --require-hashes $(RUN_LOCKS:%=-r %)
	@$(PROJECT)
	@touch $@

$(VENV)/.dev: $(VENV)/.made requirements-dev.txt pyproject.toml
	@echo "Installing the locked packages for development into $(VENV)..."
	@$(INSTALL) --no-deps --require-hashes -r requirements-dev.txt
	@$(PROJECT)
	@touch $@
