# `make` lists the targets. All that they make is in .venv, .workshop and .env, inside this directory.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up
# There while an installation is under way; a .venv that still has it was interrupted.
UNFINISHED := $(VENV)/.unfinished
ARGS ?=

# What a shell has set for other Pythons must not reach this one.
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT
# Whatever .venv turns out to be, nothing is ever installed into the Python of the machine.
export PIP_REQUIRE_VIRTUALENV := 1
# A certificate that the machine trusts, a company's for example, is good enough for uv as it is for pip.
export UV_SYSTEM_CERTS := 1
export UV_NATIVE_TLS := 1

ifeq ($(OS),Windows_NT)
$(error Windows by itself cannot run the Temporal server of this workshop. Next: use WSL (wsl --install) or the devcontainer)
endif

# A checkout that was moved, or a Python that was removed, leaves a .venv that cannot run.
ifneq ($(shell test -x $(BIN)/python && test "$$(cat $(STAMP) 2>/dev/null)" = "$$(pwd -P)" && echo fresh),fresh)
AGAIN := again
endif

.PHONY: help set-up workshop test demo bench notebooks pictures lock clean again

help: ## list the targets
	@echo 'Usage: make TARGET [ARGS=...] [PYTHON=/path/to/python3.12]'
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r target text; do printf '  %-10s%s\n' "$$target" "$$text"; done

workshop: set-up ## set up, start all services and JupyterLab, stay until Ctrl+C (ARGS=--no-lab, ARGS=--detach)
	@$(BIN)/workshop up $(ARGS)

test: set-up ## set up, check style and types, run all tests (ARGS are pytest's)
	@$(BIN)/ruff check workshop tests solutions
	@$(BIN)/ruff format --check workshop tests solutions
	@$(BIN)/python -m pytest -p tests.light_jsonschema --numprocesses=6 --dist=loadscope --no-loadscope-reorder $(ARGS)

demo: set-up ## set up, kill a plain and a durable agent, show what each of them lost
	@$(BIN)/workshop demo $(ARGS)

bench: set-up ## set up, measure recovery, load and overhead, about 25 minutes (ARGS=--quick, ARGS=--write)
	@$(BIN)/python -m bench $(ARGS)

set-up: $(STAMP) ## make .venv and .env, as every target above does first
	@test -e .env || { cp .env.example .env && echo 'Wrote .env: practice mode, which needs no API key.'; }

$(STAMP): requirements.lock pyproject.toml $(wildcard workshop/jupyter/etc/ipython/startup/*) $(AGAIN)
	@supported() { "$$1" -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; }; \
	stop() { printf '%s\n  Next: %s\n' "$$1" "$$2" >&2; exit 1; }; \
	wanted='$(PYTHON)'; python=''; \
	for name in $${wanted:+"$$wanted"} $$(test "$$wanted" || echo python3 python3.13 python3.12 python3.11 python3.14); do \
	  if supported "$$name"; then python=$$name; break; fi; \
	done; \
	if test -z "$$python"; then \
	  found=$$("$${wanted:-python3}" --version 2>/dev/null) || found="$${wanted:-python3}, which does not run"; \
	  stop "Python 3.11 to 3.14 is needed; found $$found." 'install one and name it: make ... PYTHON=/path/to/python3.12'; \
	fi; \
	if ! command -v uv >/dev/null && ! "$$python" -c 'import venv, ensurepip' 2>/dev/null; then \
	  version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	  stop "$$python has no venv module; Debian and Ubuntu have it as a package." "sudo apt install python$$version-venv"; \
	fi; \
	own() { $(BIN)/python -c 'import sys; raise SystemExit(sys.prefix == sys.base_prefix)'; }; \
	if test -e $(UNFINISHED) || ! supported $(BIN)/python || ! own || test "$$(cat $(STAMP) 2>/dev/null || pwd -P)" != "$$(pwd -P)"; then \
	  if test -e $(VENV); then echo 'The .venv here is half made, moved or of another Python: making it anew.'; fi; \
	  rm -rf $(VENV) && mkdir $(VENV) && touch $(UNFINISHED); \
	  if command -v uv >/dev/null; then uv venv --quiet --allow-existing --python "$$python" $(VENV); else "$$python" -m venv $(VENV); fi || \
	    stop 'Making .venv failed, as told above.' 'mend that and run the same again'; \
	fi; \
	touch $(UNFINISHED); \
	with_uv() { \
	  echo 'Installing the packages into .venv with uv: about half a minute ...'; \
	  uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock && \
	  uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	}; \
	with_pip() { \
	  echo 'Installing the packages into .venv with pip: about a minute and a half ...'; \
	  { $(BIN)/python -c 'import pip' 2>/dev/null || $(BIN)/python -m ensurepip >/dev/null; } && \
	  network=$$($(BIN)/python -m pip config list | $(BIN)/python tools/pip_network.py) && eval "$$network" && \
	  export PIP_CONFIG_FILE=/dev/null && \
	  $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock && \
	  $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	}; \
	{ command -v uv >/dev/null && with_uv; } || with_pip || \
	  stop 'Installing the packages failed, as told above.' 'check the network and the free space (1 GB), then run the same again'; \
	if ! $(BIN)/python -c 'import os, temporalio.types as m; raise SystemExit(not os.path.exists(m.__cached__))'; then \
	  echo 'Compiling the packages, so that each program starts twice as fast: about 30 seconds ...'; \
	  $(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null || :; \
	fi; \
	pwd -P > $(STAMP) && rm -f $(UNFINISHED)

notebooks: set-up ## set up, make the solution notebooks from the starters and the solutions, and run them
	@$(BIN)/python tools/notebooks.py $(ARGS)

pictures: set-up ## set up, make the pictures of README and guide anew, of real runs in Chromium
	@$(BIN)/python tools/pictures.py $(ARGS)

lock: ## pin all dependencies anew, with hashes, for every platform (ARGS=--upgrade takes new versions)
	@command -v uv >/dev/null || { printf '%s\n  Next: %s\n' 'uv is needed to pin dependencies.' 'pip install uv' >&2; exit 1; }
	@uv pip compile --quiet --generate-hashes --universal --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	  --python-version 3.11 --extra test $(ARGS) pyproject.toml -o requirements.lock
	@! grep -nE '://|^-' requirements.lock || { echo 'requirements.lock names a host: do not commit it.' >&2; exit 1; }

clean: ## stop the services; remove .venv, .workshop and caches, but neither .env nor what you wrote
	@if test -x $(BIN)/workshop; then $(BIN)/workshop down; fi
	@rm -rf $(VENV) .workshop .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
