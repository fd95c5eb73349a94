# One command per check; `make help` lists them. Everything runs in .venv, which is built from the lock.
SHELL := /bin/bash
BIN := .venv/bin
READY := .venv/ready
# One worker per core. A notebook stays with one worker, since its cells need their order.
PARALLEL := -p no:nbval --numprocesses logical --maxprocesses 8 --dist worksteal

# The tests start dozens of interpreters. Each loads compiled modules, whatever the caller has set.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help report test test-browser lab lint bench soak sample notebooks docs lock clean
.DEFAULT_GOAL := help

help:  ## list these commands
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

report: $(READY)  ## HTML report of the bundled sample in report/
	$(BIN)/roadmap-analytics report data/sample --to report

test: $(READY)  ## every test, then every notebook against its stored output
	$(BIN)/pytest $(PARALLEL)
	$(BIN)/pytest --numprocesses logical --maxprocesses 8 --dist loadfile \
		--nbval --nbval-sanitize-with tests/nbval.cfg --nbval-current-env --nbval-cell-timeout=120 notebooks/

# Debian's Chromium, fetched by the machine's own package manager where there is none.
test-browser: $(READY)  ## the report and JupyterLab in a headless Chromium
	@$(BIN)/python -c 'import sys; from tests.browser.chromium import executable; sys.exit(not executable())' || { \
		as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		$$as_root apt-get -qq update && $$as_root apt-get -qq install --yes --no-install-recommends chromium >/dev/null; }
	$(BIN)/pytest -p no:nbval --numprocesses logical --maxprocesses 2 --dist loadfile \
		-m browser tests/browser

# It sends nothing out: no look for updates, no news.
lab: $(READY)  ## JupyterLab, opened on the roadmap review
	$(BIN)/jupyter lab --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \
		--LabApp.news_url=None notebooks/roadmap_review.ipynb

lint: $(READY)  ## style, formatting, spelling, types, and that environment.yml follows pyproject.toml
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/python -m tests.make_environment --check

bench: $(READY)  ## measure speed and memory
	set -e; for script in benchmarks/bench_*.py; do $(BIN)/python "$$script"; done

soak: $(READY)  ## the tests that take long, and properties with examples of their own each time
	HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-fresh} $(BIN)/pytest -m "slow or hypothesis" $(PARALLEL)

sample: $(READY)  ## rebuild data/sample: simulated, then exported from the loopback GitLab
	$(BIN)/python -m tests.make_sample

notebooks: $(READY)  ## run the notebooks on the sample and store what they print
	$(BIN)/jupyter nbconvert --to notebook --execute --inplace \
		--ExecutePreprocessor.record_timing=False notebooks/*.ipynb

docs: $(READY)  ## the documentation site in docs/_site, generated pages and pictures included
	$(BIN)/python -m tests.make_frames_page
	$(BIN)/python -m tests.make_commands_page
	$(BIN)/python -m tests.make_pictures
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -b html docs docs/_site

lock: $(READY)  ## resolve the dependencies: requirements.lock and environment.yml
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --extra dev pyproject.toml --output-file requirements.lock
	$(BIN)/python -m tests.make_environment

clean:  ## remove what these commands made, .venv included
	rm -rf .venv report dist docs/_site docs/api docs/jupyter_execute .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find roadmap_analytics tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

# The first Python that is new enough and can make an environment; PYTHON=... comes before all.
$(READY): requirements.lock pyproject.toml
	@for python in $(PYTHON) python3.11 python3 python3.14 python3.13 python3.12; do \
		"$$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
		python=; \
	done; \
	if [ -z "$$python" ]; then \
		echo "No Python was found that is 3.11 or newer and has venv; install one, or name it: make PYTHON=/path/to/python" >&2; \
		exit 2; \
	fi; \
	[ -x $(BIN)/pip ] || { echo "Building .venv with $$python; a minute or two, once."; "$$python" -m venv .venv; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
