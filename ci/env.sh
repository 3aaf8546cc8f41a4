#!/usr/bin/env bash
# env.sh PYTHON [GROUP...]: an environment for PYTHON with interlane's release wheel, the test tools and the
# dependency groups GROUP... in it. Prints the environment's python. Builds only what changed: the second
# run takes a second.
set -euo pipefail
# shellcheck source=ci/common.sh
. "$(dirname "$0")/common.sh"

python=${1:?usage: env.sh PYTHON [GROUP...]}
groups=(test "${@:2}")
need_rust
tools=$(ci/tools.sh)
pip=("$tools/python" -m pip -q --disable-pip-version-check)

{
  read -r tag
  read -r short
  read -r base
} < <("$python" -c '
import os, platform, sys
flags = getattr(sys, "abiflags", "")
print(sys.implementation.cache_tag + flags + "-" + platform.python_version())
print("py%d.%d" % sys.version_info[:2] + flags)
print(os.path.realpath(sys.executable))')
home=$build/$tag
venv=$home/venv
mkdir -p "$home"

# Two runs at once would install over each other.
if command -v flock >/dev/null; then
  exec 9>"$home/lock"
  flock 9
fi

if [[ $(cat "$home/base" 2>/dev/null) != "$base" ]] || ! "$venv/bin/python" -c '' 2>/dev/null; then
  say "making $venv"
  rm -rf "$venv" "$home"/installed-*
  # Not every Python can make one that has pip, and ours need none: the tools' pip installs into them.
  "$python" -m venv --without-pip "$venv" >/dev/null 2>&1 || {
    rm -rf "$venv"
    "$(ci/tools.sh virtualenv)/virtualenv" -q --no-seed --python "$python" "$venv" >&2
  } || die "$python can make no environment: install its venv module"
  echo "$base" >"$home/base"
fi

for group in "${groups[@]}"; do
  stamp=$home/installed-$group-$(cksum <pyproject.toml | tr ' ' -)
  [[ -e $stamp ]] && continue
  again "${pip[@]}" --python "$venv/bin/python" install --group "$group" >&2
  rm -f "$home/installed-$group"-*
  touch "$stamp"
done

# What not every version has a wheel for: its tests skip where it is missing.
for group in arrays frames dask notebook; do
  stamp=$home/installed-$group-$(cksum <pyproject.toml | tr ' ' -)
  [[ -e $stamp ]] && continue
  "${pip[@]}" --python "$venv/bin/python" install --only-binary :all: --group "$group" >"$home/$group.log" 2>&1 ||
    say "no wheels of the group $group for $tag"
  rm -f "$home/installed-$group"-*
  touch "$stamp"
done

# The name of what is built: a hash of all that goes into the wheel, and of the compiler.
sources=$("$venv/bin/python" -B ci/source_hash.py "$(rustc --version)")
if [[ $(cat "$home/wheel" 2>/dev/null) != "$sources" ]]; then
  say "building interlane for $tag"
  rm -f "$home/wheel" "$home"/wheels/*
  # A target folder for each version: in a shared one they would rebuild pyo3-ffi at every turn.
  # shellcheck disable=SC2086  # empty outside CI
  CARGO_TARGET_DIR=$root/target/$short "$tools/maturin" build --release $locked \
    --interpreter "$venv/bin/python" --out "$home/wheels" --auditwheel skip >"$home/build.log" 2>&1 9>&- ||
    { cat "$home/build.log" >&2; die "the wheel for $tag did not build"; }
  "${pip[@]}" --python "$venv/bin/python" install --force-reinstall --no-deps --no-index "$home"/wheels/*.whl >&2
  echo "$sources" >"$home/wheel"
fi
echo "$venv/bin/python"
