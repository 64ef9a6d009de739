# Two commands set everything up: `make demo` and `make test`. They need Python 3.11 or newer and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
# In front of what gives way to the networks, where all parts run at once.
NICE ?=
OUTPUT := $(if $(filter output-sync,$(.FEATURES)),--output-sync)

.PHONY: demo test check unit network bench contracts page docs clean

demo: $(VENV)/.installed
	$(BIN)/folkmoot demo $(ARGS)

# All parts at once, each printed when it is done: networks wait half of their time, which the others use.
test: $(VENV)/.installed-dev
	@$(MAKE) --no-print-directory -j 3 $(OUTPUT) NICE="nice -n 5" check unit network

# Formatting, lint and types.
check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(NICE) $(BIN)/mypy

# Everything that runs in one process.
unit: $(VENV)/.installed-dev
	$(NICE) $(BIN)/pytest -n 2 --dist loadfile tests --ignore tests/network --ignore tests/browser --ignore tests/e2e $(ARGS)

# Real processes: networks, faults, liars, the live page in a browser, and the README as a user follows it.
network: $(VENV)/.installed-dev
	$(BIN)/pytest -n 2 --dist loadfile tests/network tests/browser tests/e2e $(ARGS)

bench: $(VENV)/.installed
	$(BIN)/python -m scripts.bench.round $(ARGS)

# Recompile the contract after a change of contracts/Circle.vy.
contracts: $(VENV)/.installed-dev
	$(BIN)/python -m scripts.contracts.compile

# Rebuild the live page after a change of node/watch/app/src. Only this needs Node.js and npm; dist/ is committed.
page:
	cd node/watch/app && npm install --ignore-scripts --no-audit --no-fund --silent && npm run --silent check && npm run --silent build

# The documentation's site, in site/. What its theme would tell at every build is known: it is mended until May 2027.
docs: $(VENV)/.installed-docs
	$(BIN)/python -m scripts.docs --check
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "folkmoot needs Python 3.11 or newer: name one, e.g. make PYTHON=python3.12"; exit 3; }
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.installed: $(VENV)/.python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: $(VENV)/.python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[docs]'
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) runs site
