# Thin on purpose: what takes more than a line is a script in ci/, which CI calls too.
# PYTHON=... picks the interpreter; PYTHONS="3.12 3.14 /path/to/python" runs the tests on several.
.DEFAULT_GOAL := help
.PHONY: help demo test check bench stress loom clean

help: ## lists the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' Makefile

demo: ## sets up, then runs `interlane map` over the standard library, serial against interpreters
	@ci/demo.sh

test: ## sets up, then runs every test (PYTHONS="..." for a matrix)
	@ci/test.sh $(PYTHONS)

check: ## formatting, lints, types, stubs, source rules
	@ci/check.sh

bench: ## runs all benchmarks (ARGS=--short for less of each, ARGS="PART ..." for one part)
	@ci/bench.sh $(ARGS)

stress: ## the long tests, also under debug allocators (INTERLANE_STRESS=short for a quick pass)
	@ci/stress.sh $(PYTHONS)

loom: ## model-checks the core's concurrency
	@ci/loom.sh

clean: ## removes everything that was built
	rm -rf target .build .pytest_cache .mypy_cache .ruff_cache
