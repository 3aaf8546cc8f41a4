#!/usr/bin/env bash
# loom.sh [ARG...]: model-checks the core. Each test runs under every interleaving with up to
# LOOM_MAX_PREEMPTIONS (3) preemptions; ARG... go to cargo test.
set -euo pipefail
# shellcheck source=ci/common.sh
. "$(dirname "$0")/common.sh"

need_rust
export RUSTFLAGS="--cfg loom ${RUSTFLAGS:-}" CARGO_TARGET_DIR=target/loom
export LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-3}
core_tests --test 'loom_*' "$@"
