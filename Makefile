# Multimodal Models, Step by Step: everything one types. Each target does its own set-up; a second run repeats none.
#   make book     build the HTML from the stored outputs, print the file to open     make test    run everything that must hold
#   make lab      open JupyterLab        make student  write the learner's edition   make run     re-execute the notebooks
#   make check    ruff, lint and format  make bench    measure speed                 make clean   remove what was built
#   make drift    the numbers that another machine would move (CHAPTER=04)
PYTHON ?= python3
VENV := .venv
# Windows keeps a virtual environment's programs elsewhere.
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PY := $(BIN)/python
READY := $(VENV)/.ready
# One notebook: make run CHAPTER=04
CHAPTER ?=

.DEFAULT_GOAL := help
.PHONY: help setup book lab run drift student test check bench lock clean

help:
	@sed -n '2,5s/^# *//p' Makefile

setup: $(READY)

$(READY): requirements.lock.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v <= (3, 13) else "This book needs Python 3.10 to 3.13 (TensorFlow 2.21 has no other). Received: Python %d.%d. Remedy: make PYTHON=python3.13 …" % v)'
	@echo "Setting up $(VENV) (once, a few minutes: TensorFlow is large) …"
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(PY) -c 'import pathlib; pathlib.Path("$(READY)").touch()'

book: $(READY)
	$(PY) -m tools.build_book

lab: $(READY)
	$(BIN)/jupyter lab --notebook-dir=.

run: $(READY)
	$(PY) -m tools.run_notebooks $(CHAPTER)

drift: $(READY)
	$(PY) -m tools.drift $(CHAPTER) --elsewhere

student: $(READY)
	$(PY) -m tools.student_edition

check: $(READY)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

test: check book
	$(PY) -m pytest

bench: $(READY)
	$(PY) -m tools.bench

# Maintainers: after a change to requirements.txt (needs uv: pip install uv).
lock:
	uv pip compile --universal --generate-hashes --python-version 3.10 --no-header --quiet --upgrade requirements.txt -o requirements.lock.txt

clean:
	$(PYTHON) -m tools.clean
