#!/usr/bin/env bash
# test.sh [PYTHON...]: the core's tests, then the Python tests on each PYTHON (default: the one find-python.sh
# chooses). Of more than two Pythons, those between the first and the last leave out what does the same on all: the
# command line, and the programs of the documentation. Goes on after a failure, so that one run tells all, and fails
# in the end.
set -euo pipefail
# shellcheck source=ci/common.sh
. "$(dirname "$0")/common.sh"

need_rust
pythons=$(ci/find-python.sh "$@")
failed=()
same=(tests/cli tests/test_benchmarks.py tests/test_example_programs.py tests/test_examples.py tests/test_run_child.py
  tests/test_source_rules.py tests/test_tutorial.py)

echo "--- cargo test of interlane-core"
CARGO_TARGET_DIR=target/core core_tests --no-fail-fast || failed+=("interlane-core")

while read -r python; do
  less=() note=
  if [[ $python != "${pythons%%$'\n'*}" && $python != "${pythons##*$'\n'}" ]]; then
    less=("${same[@]/#/--ignore=}") note="without ${same[*]}: the first and the last Python run them"
  fi
  if environment=$(ci/env.sh "$python" </dev/null); then
    run_pytest "$environment" ${less[@]+"${less[@]}"} </dev/null || failed+=("$python")
  else
    failed+=("$python (no environment)")
  fi
done <<<"$pythons"

((${#failed[@]} == 0)) || die "failed: $(printf '%s; ' "${failed[@]}")"
