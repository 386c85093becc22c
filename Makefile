# Every target makes its own virtual environment from the project's own files.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed

.PHONY: quickstart test test-slow check clean

quickstart: $(STAMP)  ## problems to report on embedded defaults: no key, no network, no GPU
	$(PY) -m ray_jobs.distill --config configs/quickstart.yaml run_dir=runs/quickstart

test: $(STAMP)  ## the fast tests
	$(PY) -m pytest

test-slow: $(STAMP)  ## kill points, submitted jobs, whole runs: minutes each
	$(PY) -m pytest -m slow

check: $(STAMP)  ## lint, format and strict types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

$(STAMP): pyproject.toml constraints.txt
	@echo "installing into $(VENV) (2.4 GB, a few minutes, once)"
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,ctranslate2,sweep]'
	touch $(STAMP)

clean:
	rm -rf $(VENV) runs
