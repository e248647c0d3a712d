# Two commands: `make demo` runs the humanoid in its room, `make test` runs the tests. Both set up what they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SHELL := /bin/bash
export MUJOCO_GL ?= egl
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test check bench preflight clean help
help: ## Say what each target does
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/'

preflight:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Vagus needs Python 3.11 or newer as $(PYTHON); found: $$($(PYTHON) --version 2>&1). apt-get install -y python3 python3-venv"; exit 1; }
	@missing=""; \
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || missing="$$missing python3-venv"; \
	libs=$$(PATH="$$PATH:/sbin:/usr/sbin" ldconfig -p); \
	grep -q libEGL.so.1 <<<"$$libs" || missing="$$missing libegl1"; \
	grep -q libGLESv2.so.2 <<<"$$libs" || missing="$$missing libgles2"; \
	[[ "$$(uname -m)" =~ ^(x86_64|i686)$$ ]] || grep -q libatomic.so.1 <<<"$$libs" || missing="$$missing libatomic1"; \
	ls /usr/lib/*/dri/swrast_dri.so >/dev/null 2>&1 || missing="$$missing libgl1-mesa-dri"; \
	if [ -n "$$missing" ]; then \
	  echo "System packages are missing; type: $$([ "$$(id -u)" = 0 ] || echo 'sudo ')apt-get install -y$$missing"; exit 1; fi

$(VENV)/core: pyproject.toml constraints.txt
	@$(MAKE) --no-print-directory preflight
	@echo "Installing Vagus into $(VENV): about 500 MB, a minute or two"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	@touch $@

$(VENV)/dev: $(VENV)/core
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,feetech,video]'
	@touch $@

demo: $(VENV)/core ## Run the humanoid: a page opens with its room, its camera, its ages; type to it, jog it, stop it
	$(BIN)/vagus demo $(ARGS)

test: $(VENV)/dev ## Run the tests
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/dev ## Everything CI checks: ruff, pyright, import-linter, tests with the gate's coverage, docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/coverage run --branch --source=src/vagus/reflex -m pytest tests/reflex
	$(BIN)/coverage report --fail-under=100
	$(BIN)/python -m pytest -m lockstep -n auto --dist worksteal
	$(BIN)/python -m pytest --ignore=tests/reflex -m 'not lockstep'

bench: $(VENV)/dev ## Run every benchmark in its quick form
	set -e; for script in bench/*.py; do echo "== $$script"; $(BIN)/python $$script --quick; done

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .coverage build dist
