# make demo: the study at mini scale.  make test: all tests but two sorts.  Both make .venv from the
# hashed lock.  make cluster: the tests on a real Slurm, as root, where the packages that
# docs/cluster.md names are.  make chaos KILLS=1000: a study whose processes are killed at random.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
.PHONY: demo test cluster chaos lint lock env
KILLS = 25

demo: env
	snakemake
	@echo "Tables are in results/tables, pictures in results/figures.  Guidance at sampling:"
	@w2s table results/tables/guidance.csv

test: env
	OMP_NUM_THREADS=1 pytest -n 2 --dist worksteal
	@echo "Not run: make cluster (needs root and a Slurm) and make chaos."

cluster: env
	OMP_NUM_THREADS=1 pytest -m cluster tests/cluster

chaos: env
	OMP_NUM_THREADS=1 KILLS=$(KILLS) pytest -m chaos tests/chaos

lint: env
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	python -m pytest -q tests/workflow/test_lint.py

env: .venv/ready

.venv/ready: requirements/lock.txt pyproject.toml
	sh requirements/install.sh

lock: env
	uv pip compile -q --upgrade --generate-hashes --no-annotate --no-header --universal \
	  --python-version 3.11 --no-emit-index-url --no-emit-find-links \
	  pyproject.toml --all-extras -o requirements/lock.txt
