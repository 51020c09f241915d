# `make run` and `make test` need Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export PYTHONWARNINGS ?= default

.PHONY: run test check fmt lint type unit integration conformance torture fuzz docs lock audit clean

run: $(VENV)/.run
	exec $(BIN)/twistd -n --pidfile= kjournal --demo --store run/demo.db $(ARGS)

test: $(VENV)/.dev
	$(MAKE) --no-print-directory lint type
	$(BIN)/python -m pytest $(ARGS)

check: lint type unit

fmt: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache

type: $(VENV)/.dev
	$(BIN)/mypy

unit: $(VENV)/.dev
	$(BIN)/python -m pytest tests/unit tests/docs $(ARGS)

integration: $(VENV)/.dev
	$(BIN)/python -m pytest tests/contract tests/integration tests/clients $(ARGS)

conformance: $(VENV)/.dev
	$(BIN)/python -m pytest tests/conformance $(ARGS)

torture: $(VENV)/.dev
	$(BIN)/python -m tests.torture $(ARGS)

# For each store 20,000 questions of 20,000 documents; KJOURNAL_FUZZ_SEED=N asks others.
fuzz: $(VENV)/.dev
	KJOURNAL_FUZZ_EXAMPLES=1000 $(BIN)/python -m pytest -s tests/fuzz $(ARGS)

docs: $(VENV)/.dev
	$(BIN)/python docs/generate.py

# Asks the advisories of all that is locked, by network; tests/security/test_advisories.py needs none.
audit: $(VENV)/.dev
	$(BIN)/pip install -q pip-audit
	$(BIN)/pip-audit --strict --disable-pip --no-deps -r constraints.txt

lock: $(VENV)/.dev
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile --quiet --universal --no-header --no-emit-index-url --no-emit-find-links --python-version 3.11 --all-extras --upgrade setup.cfg -o constraints.txt

clean:
	rm -rf $(VENV) build dist run *.egg-info

# The image of what is locked: remade when the lock or the metadata changes.
$(VENV)/.run: setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "kjournal needs Python 3.11 or later; name one with make PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@mkdir -p run
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
