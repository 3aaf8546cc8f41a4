#!/usr/bin/env bash
# stress.sh [PYTHON...]: the core's tests under AddressSanitizer, the tests marked `stress` on each PYTHON, every test once
# more in development mode with the debug allocators, and all of it on a debug build of CPython where there is one
# (`ci/fetch-python 3.14d`).
# INTERLANE_STRESS=short makes the marked tests short, and leaves out what would repeat them.
set -euo pipefail
# shellcheck source=ci/common.sh
. "$(dirname "$0")/common.sh"

export INTERLANE_STRESS=${INTERLANE_STRESS:-long}
pythons=$(ci/find-python.sh "$@")
failed=()

ci/asan.sh </dev/null || failed+=("interlane-core under AddressSanitizer")

# A run in which nothing was selected (pytest's exit 5) has not failed.
attempt() {
  local status=0
  run_pytest "$@" </dev/null || status=$?
  ((status == 0 || status == 5)) || failed+=("$1${note:+ ($note)}")
}

while read -r python; do
  environment=$(ci/env.sh "$python" </dev/null) || { failed+=("$python (no environment)"); continue; }
  note=stress attempt "$environment" -m stress
done <<<"$pythons"

# Children inherit both variables, so what runs in a fresh process is covered too.
python=$(tail -n 1 <<<"$pythons")
if environment=$(ci/env.sh "$python" </dev/null); then
  PYTHONDEVMODE=1 PYTHONMALLOC=debug note="development mode" attempt "$environment" \
    tests/test_channel{s,_ends,_items,_memory}.py tests/faults
fi

for version in 3.14d 3.15d; do
  python=$(ci/find-python.sh "$version" 2>/dev/null) || continue
  environment=$(ci/env.sh "$python" </dev/null) || { failed+=("$python (no environment)"); continue; }
  if [[ $INTERLANE_STRESS == short ]]; then
    # What touches references; the rest is the same code on the other builds.
    note="debug build" attempt "$environment" tests/test_channel{s,_ends,_items,_memory}.py \
      tests/test_shar{ing,e_protocol,e_release,e_tables}.py tests/test_proxy.py tests/test_values.py tests/c_api \
      tests/faults/test_reference_leaks.py
  else
    note="debug build" attempt "$environment"
    note="debug build, stress" attempt "$environment" -m stress
  fi
done

((${#failed[@]} == 0)) || die "failed: $(printf '%s; ' "${failed[@]}")"
