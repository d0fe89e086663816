# Double Random. `make help` lists what can be done.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
PYTHON := $(VENV)/bin/python
UV := UV_PYTHON_DOWNLOADS=never $(VENV)/bin/uv
SIZE ?= S
# Compiled modules are kept, whatever the environment says: an interpreter without them takes three times as long to start.
unexport PYTHONDONTWRITEBYTECODE
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header

.PHONY: help demo serve browser test test-full faults check bench lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(VENV)/uv: requirements/uv.txt
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)/run: $(VENV)/uv requirements/run.txt
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --require-hashes -r requirements/run.txt
	@touch $@

$(VENV)/dev: $(VENV)/uv requirements/run.txt requirements/dev.txt
	VIRTUAL_ENV=$(VENV) $(UV) pip sync --quiet --require-hashes requirements/run.txt requirements/dev.txt
	@touch $@ $(VENV)/run

$(VENV)/client/done: $(VENV)/uv requirements/client.txt
	$(UV) venv --quiet --clear --python $(PYTHON) $(VENV)/client
	VIRTUAL_ENV=$(VENV)/client $(UV) pip sync --quiet --require-hashes requirements/client.txt
	@touch $@

$(VENV)/peers/done: $(VENV)/uv requirements/peers.txt
	$(UV) venv --quiet --clear --python $(PYTHON) $(VENV)/peers
	VIRTUAL_ENV=$(VENV)/peers $(UV) pip sync --quiet --require-hashes requirements/peers.txt
	@touch $@

demo: $(VENV)/run ## live through one round of a synthetic city and serve it (SIZE=S|M|L, STORY=round|results|year)
	$(PYTHON) -m app demo --size $(SIZE) $(if $(STORY),--story $(STORY))

serve: $(VENV)/run ## serve on 127.0.0.1:8000 with worker and clock (DATABASE_URL, else SQLite under ./var)
	$(PYTHON) -m app serve

browser: ## bring Chromium for the browser tests, where apt may
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
		apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk; } || \
		echo "!!! LEFT OUT: every test in tests/journeys, for want of chromium (apt-get install chromium fonts-noto-cjk)" >&2

test: $(VENV)/dev $(VENV)/client/done browser ## every test at moderate counts, on SQLite and a real PostgreSQL
	$(PYTHON) -m pytest -n auto --dist loadgroup

test-full: $(VENV)/dev $(VENV)/client/done browser ## the same tests at the counts that the documentation quotes
	TRIALS=full $(PYTHON) -m pytest -n auto --dist loadgroup

faults: $(VENV)/dev ## make single write calls of a round fail or kill, under strace
	mkdir -p var/faults
	$(PYTHON) -m tests.write_faults var/faults

check: $(VENV)/dev ## lint, format, types, import contracts
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(VENV)/dev $(VENV)/peers/done ## measure against the named peers
	$(PYTHON) -m benchmarks.draw
	$(PYTHON) -m benchmarks.lottery
	$(PYTHON) -m benchmarks.packing
	$(PYTHON) -m benchmarks.packing_peer

lock: $(VENV)/uv ## resolve requirements/*.in again
	$(COMPILE) requirements/uv.in -o requirements/uv.txt
	$(COMPILE) requirements/run.in -o requirements/run.txt
	$(COMPILE) requirements/dev.in -c requirements/run.txt -o requirements/dev.txt
	$(COMPILE) requirements/client.in -o requirements/client.txt
	$(COMPILE) requirements/peers.in -o requirements/peers.txt

clean: ## remove the environment and what the demo made
	rm -rf $(VENV) var
