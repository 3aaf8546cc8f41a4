#!/usr/bin/env bash
# check.sh: all that can be said about the sources without running them, and the warnings as errors. Goes on after a
# failure and names all of them in the end.
set -euo pipefail
# shellcheck source=ci/common.sh
. "$(dirname "$0")/common.sh"

need_rust
python=$(ci/find-python.sh)
environment=$(ci/env.sh "$python" types)
tools=$(ci/tools.sh)
bin=$(dirname "$environment")
failed=()

check() { # NAME COMMAND...
  local name=$1
  shift
  echo "--- $name"
  "$@" || failed+=("$name")
}

# pyo3-ffi configures itself for this interpreter; a folder of its own, or it would be rebuilt for the wheel.
export PYO3_PYTHON=$environment CARGO_TARGET_DIR=$root/target/check
# shellcheck disable=SC2206  # empty outside CI
cargo_clippy=(cargo clippy $locked --all-targets) cargo_doc=(cargo doc $locked --no-deps)
check "cargo fmt" cargo fmt --all --check
check "clippy, interlane-core" "${cargo_clippy[@]}" --package interlane-core -- -D warnings
check "clippy, interlane-core under loom" env RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR="$root/target/loom" \
  "${cargo_clippy[@]}" --package interlane-core -- -D warnings
check "clippy, interlane-python" "${cargo_clippy[@]}" --package interlane-python -- -D warnings
# No such Pythons are needed: the files say what pyo3-ffi would ask them.
for other in 312 314t; do
  check "clippy, interlane-python, CPython $other" env PYO3_CONFIG_FILE="$root/ci/cpython-$other.txt" \
    CARGO_TARGET_DIR="$root/target/check-$other" "${cargo_clippy[@]}" --package interlane-python -- -D warnings
done
check "cargo fmt, interlane-bench" cargo fmt --manifest-path crates/bench/Cargo.toml --check
check "clippy, interlane-bench" "${cargo_clippy[@]}" --manifest-path crates/bench/Cargo.toml -- -D warnings
example=(--manifest-path examples/rust_type/Cargo.toml)
check "cargo fmt, examples/rust_type" cargo fmt "${example[@]}" --check
check "clippy, examples/rust_type" "${cargo_clippy[@]}" "${example[@]}" -- -D warnings
check "rustdoc" env RUSTDOCFLAGS="-D warnings" "${cargo_doc[@]}" --package interlane-core

check "ruff check" "$tools/ruff" check .
check "ruff format" "$tools/ruff" format --check .
check "mypy" "$bin/mypy"
# stubtest compares with what is installed: the wheel's own stub beside the wheel's own module.
allowlist=()
[[ -f ci/stubtest-allowlist.txt ]] && allowlist=(--allowlist ci/stubtest-allowlist.txt)
check "stubtest" "$bin/stubtest" ${allowlist[@]+"${allowlist[@]}"} interlane._core
if command -v shellcheck >/dev/null; then
  check "shellcheck" shellcheck -x ci/*.sh ci/fetch-python .ci/run
fi
check "source rules" "$environment" -m pytest -q tests/test_source_rules.py

((${#failed[@]} == 0)) || die "failed: $(printf '%s; ' "${failed[@]}")"
