#!/usr/bin/env bash
# bench.sh [PART] [ARG...]: runs the benchmarks, or one part of them with ARG..., with the alternatives beside interlane:
# what can be had of PyPI's, and the plain Rust pairs of crates/bench. $INTERLANE_RUST_BENCH tells where the Rust program is.
set -euo pipefail
# shellcheck source=ci/common.sh
. "$(dirname "$0")/common.sh"

python=$(ci/find-python.sh)
environment=$(ci/env.sh "$python")
for package in bocpy loky numpy pyarrow matplotlib; do
  "$environment" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$package') is None)" ||
    "$(ci/tools.sh)/python" -m pip -q --python "$environment" install --only-binary :all: "$package" >&2 ||
    say "$package cannot be had for this Python: what it takes part in is left out"
done
if [[ -f crates/bench/Cargo.toml ]]; then
  # shellcheck disable=SC2086  # empty outside CI
  CARGO_TARGET_DIR=target/bench cargo build --release $locked --manifest-path crates/bench/Cargo.toml
  export INTERLANE_RUST_BENCH=$root/target/bench/release/interlane-bench
fi
exec "$environment" benchmarks/all.py "$@"
