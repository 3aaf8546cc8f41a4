#!/usr/bin/env bash
# asan.sh [ARG...]: the core's tests under AddressSanitizer and LeakSanitizer, which need a nightly toolchain; without one
# it says so and does nothing. ARG... go to cargo test.
set -euo pipefail
# shellcheck source=ci/common.sh
. "$(dirname "$0")/common.sh"

need_rust
# Only what is there: none is fetched.
export RUSTUP_AUTO_INSTALL=0
if ! cargo +nightly --version >/dev/null 2>&1; then
  say "no nightly Rust: nothing is checked for bad addresses ('rustup toolchain install nightly')"
  exit 0
fi
target=$(rustc -vV | sed -n 's/^host: //p')
echo "--- cargo test of interlane-core under AddressSanitizer"
# A test asks for more memory than there can be: the sanitizer is to refuse it as any allocator does, not to end the run.
export ASAN_OPTIONS="allocator_may_return_null=1 ${ASAN_OPTIONS:-}"
# The level that the sanitizer asks for: fewer accesses are optimised away, and it builds in less time.
export CARGO_PROFILE_RELEASE_OPT_LEVEL=1
export RUSTUP_TOOLCHAIN=nightly RUSTFLAGS="-Zsanitizer=address ${RUSTFLAGS:-}" CARGO_TARGET_DIR=target/asan
core_tests --target "$target" --lib --tests "$@"
