#!/usr/bin/env bash
# bench.sh [ARG...]: runs benchmarks/run.py with ARG..., with bocpy and the plain Rust pairs of crates/bench beside
# interlane where they can be had. $INTERLANE_RUST_BENCH tells run.py where the Rust program is.
set -euo pipefail
# shellcheck source=ci/common.sh
. "$(dirname "$0")/common.sh"

python=$(ci/find-python.sh)
environment=$(ci/env.sh "$python")
if ! "$environment" -c 'import bocpy' 2>/dev/null; then
  "$(ci/tools.sh)/python" -m pip -q --python "$environment" install bocpy >&2 ||
    say "bocpy cannot be had for this Python, going on without it"
fi
if [[ -f crates/bench/Cargo.toml ]]; then
  # shellcheck disable=SC2086  # empty outside CI
  CARGO_TARGET_DIR=target/bench cargo build --release $locked --manifest-path crates/bench/Cargo.toml
  export INTERLANE_RUST_BENCH=$root/target/bench/release/interlane-bench
fi
exec "$environment" benchmarks/run.py "$@"
