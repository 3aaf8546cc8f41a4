# Sourced by the scripts beside it: where things are, and how the scripts speak.
# shellcheck shell=bash disable=SC2034  # the variables are for those who source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/.build
pythons_cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}/interlane/pythons
cd "$root" || exit 1

# In CI the lock file is the truth; on a desk it may follow Cargo.toml.
locked=${CI:+--locked}

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# Runs a command, and up to twice more where it fails: a mirror or a registry may be out of reach for a moment.
again() {
  local pause
  for pause in 5 30; do
    "$@" && return
    say "'$*' failed, trying again in $pause s"
    sleep "$pause"
  done
  "$@"
}

# Rust and a C linker, or one line that says what to install.
need_rust() {
  if ! command -v cargo >/dev/null && [[ -x ${HOME:-}/.cargo/bin/cargo ]]; then
    PATH=$PATH:$HOME/.cargo/bin
  fi
  command -v cargo >/dev/null || die "Rust is missing: install version 1.85 or newer with rustup"
  local minor
  minor=$(cargo --version | sed -nE 's/^cargo 1\.([0-9]+).*/\1/p')
  ((${minor:-0} >= 85)) || die "$(cargo --version) is too old: install Rust 1.85 or newer, for example with 'rustup update'"
  command -v cc >/dev/null ||
    die "a C compiler is missing (Rust links with it): install gcc or clang, for example with 'apt-get install gcc libc6-dev'"
}

# Runs the core's tests with the given arguments: optimised, so that races are real ones, with the assertions
# left in, and without the release profile's slow link.
core_tests() {
  # shellcheck disable=SC2086  # empty outside CI
  CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true \
    cargo test --package interlane-core --release $locked "$@"
}

# Runs pytest with the environment's python $1 and the rest as arguments, under a heading that a CI log can be
# searched for.
run_pytest() {
  local python=$1 color=no
  shift
  [[ -t 1 ]] && color=yes
  echo "--- pytest on $("$python" -VV | head -n 1)${note:+, $note}"
  # The fetched Pythons come without compiled files: without writing them each of many children compiles anew.
  # Three at a time, by file: most tests wait for a child most of the time, and some sleep.
  env -u PYTHONDONTWRITEBYTECODE "$python" -m pytest --color="$color" --numprocesses 3 --dist loadfile "$@"
}
