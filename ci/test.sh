#!/usr/bin/env bash
# test.sh [PYTHON...]: the core's tests, then the Python tests on each PYTHON (default: the one find-python.sh
# chooses). Goes on after a failure, so that one run tells all, and fails in the end.
set -euo pipefail
# shellcheck source=ci/common.sh
. "$(dirname "$0")/common.sh"

need_rust
pythons=$(ci/find-python.sh "$@")
failed=()

echo "--- cargo test of interlane-core"
CARGO_TARGET_DIR=target/core core_tests --no-fail-fast || failed+=("interlane-core")

while read -r python; do
  if environment=$(ci/env.sh "$python" </dev/null); then
    run_pytest "$environment" </dev/null || failed+=("$python")
  else
    failed+=("$python (no environment)")
  fi
done <<<"$pythons"

((${#failed[@]} == 0)) || die "failed: $(printf '%s; ' "${failed[@]}")"
