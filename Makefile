# `make demo` and `make test` do all the set-up there is; everything else is for people who work on roadwork itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RAY_STAMP := $(VENV)/.installed-ray
# One worker per core, each on one thread: the threads of several workers would only wait for each other.
PYTEST := OMP_NUM_THREADS=1 python -m pytest --numprocesses auto --dist loadfile
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1
export HF_HUB_DISABLE_TELEMETRY := 1
# The machine's own certificates, as pip and git take them: behind a company's proxy uv's built-in ones don't suffice.
export UV_SYSTEM_CERTS ?= 1

.PHONY: demo test test-quick test-faults test-ray ray bench bench-gpu bench-ray planning lint audit format deps docs lock clean help

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

demo: $(STAMP)  ## the whole pipeline on the embedded default, then its scores
	dvc repro
	python -m pipeline scores

test: $(STAMP)  ## the test suite; needs neither network nor GPU
	$(PYTEST) -m "not faults and not ray"

test-quick: $(STAMP)  ## the tests that take seconds
	$(PYTEST) -m "not slow and not faults and not ray"

test-faults: $(STAMP)  ## kills, full disks and fuzzed files at length (half an hour and more); prints what was survived
	OMP_NUM_THREADS=1 python -m pytest --numprocesses 2 --dist loadfile tests/faults

# One process for the clusters, which have the cores for themselves; another for the object store, which mostly waits.
test-ray: $(RAY_STAMP)  ## Ray clusters and an S3 server, both started by the tests; installs what the extras ray and s3 bring
	OMP_NUM_THREADS=1 python -m pytest --numprocesses 2 --dist loadgroup -m ray tests/ray tests/object_store

ray: $(RAY_STAMP)  ## the environment with Ray and S3, as every machine of a cluster needs it

bench: $(STAMP)  ## how fast, in ratios against plain ways of doing it, on the CPU; leave the machine alone meanwhile
	python -m benchmarks

bench-gpu: $(STAMP)  ## the same for one CUDA GPU
	python -m benchmarks --gpu

bench-ray: $(RAY_STAMP)  ## one Ray worker against two, Ray against the local engine, memory per node
	python -m benchmarks --ray

planning: $(STAMP)  ## write the table of GPU-hours, storage and cost in docs/scale.md from measured rates
	python -m benchmarks.planning

lint: $(RAY_STAMP) audit  ## ruff, pyright, bandit; and the audit
	ruff check .
	ruff format --check .
	pyright
	bandit --quiet --configfile pyproject.toml --recursive roadwork pipeline .ci/audit

audit: $(STAMP)  ## look the pinned packages up among known vulnerabilities; says what couldn't be
	python .ci/audit

format: $(STAMP)  ## let ruff mend what it can
	ruff check --fix .
	ruff format .

deps: $(STAMP)  ## write each stage's import closure into dvc.yaml
	python -m pipeline.declared_deps

docs: $(STAMP)  ## write docs/parameters.md from the config classes
	python -m pipeline.parameter_docs

lock: $(STAMP)  ## compile requirements.txt and requirements-ray.txt from pyproject.toml, with hashes
	$(LOCK) --extra dev --output-file requirements.txt pyproject.toml
	$(LOCK) --extra dev --extra ray --extra s3 --extra test-ray --constraint requirements.txt \
	  --output-file requirements-ray.txt pyproject.toml

clean:  ## remove the environment; data, features and models stay
	rm -rf $(VENV)

# One environment for everything: pinned packages, then the project itself, linked and not copied.
$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "roadwork needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

# The same and Ray, S3 and their tests' server: only for those who need them.
$(RAY_STAMP): $(STAMP) requirements-ray.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-ray.txt
	touch $@
