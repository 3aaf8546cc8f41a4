#!/usr/bin/env bash
# find-python.sh             prints a CPython 3.12 to 3.15: $PYTHON, else the best on this machine, else a fetched one
# find-python.sh NAME...     prints the interpreter for each NAME: a path, a command, or a version (3.13, 3.14d, 3.14t)
# find-python.sh --all       prints the best of each version that is here, oldest first
# Says on stderr what it chose. A candidate is run before it is believed: pyenv's shims exist for versions that
# are not selected, and then fail.
set -euo pipefail
# shellcheck source=ci/common.sh
. "$(dirname "$0")/common.sh"

newest_first=(3.14 3.15 3.13 3.12) # 3.14 is the newest that is settled

# Prints "3.14 d /path/python" for a CPython we support ("-" for a build without flags), else fails.
probe() {
  "$1" -c '
import sys
if sys.implementation.name != "cpython" or not (3, 12) <= sys.version_info[:2] <= (3, 15):
    sys.exit(1)
print("%d.%d" % sys.version_info[:2], getattr(sys, "abiflags", "") or "-", sys.executable)' 2>/dev/null
}

# What python3 and python on PATH are, found out once.
unversioned=$(type -aP python3 python | awk '!seen[$0]++' | while read -r path; do probe "$path" || true; done || true)

candidates() { # VERSION FLAG
  local version=$1 flag=$2 home=${HOME:-}
  type -aP "python$version$flag" || true
  awk -v version="$version" '$1 == version { $1 = $2 = ""; sub(/^ +/, ""); print }' <<<"$unversioned"
  shopt -s nullglob
  printf '%s\n' "${PYENV_ROOT:-$home/.pyenv}/versions/$version"{,.*}"$flag"/bin/python | sort -rV
  printf '%s\n' "${UV_PYTHON_INSTALL_DIR:-${XDG_DATA_HOME:-$home/.local/share}/uv/python}/cpython-$version".*/bin/"python$version$flag" \
    "$build/pythons/cpython-$version".*/bin/"python$version$flag" | sort -rV
  echo "$pythons_cache/$version$flag/usr/bin/python$version$flag"
}

find_version() { # VERSION[FLAG]
  local version=${1%[dt]} path found
  local flag=${1#"$version"}
  while read -r path; do
    [[ -x $path ]] || continue
    found=$(probe "$path") || continue
    if [[ $found == "$version ${flag:--} "* ]]; then
      echo "${found#* * }"
      return
    fi
  done < <(candidates "$version" "$flag")
  return 1
}

# The last resort: uv's own builds, then (on Debian and its kin) a Debian build beside its C library.
fetch() {
  local uv version=${newest_first[0]}
  say "no CPython 3.12 to 3.15 on this machine, fetching $version"
  uv=$(command -v uv) || uv=$(ci/tools.sh uv)/uv || uv=
  if [[ -n $uv ]]; then
    UV_PYTHON_INSTALL_DIR=$build/pythons UV_HTTP_TIMEOUT=30 "$uv" python install --no-bin -q "$version" >&2 || true
    find_version "$version" && return
  fi
  if command -v apt-get >/dev/null; then
    ci/fetch-python "$version" && return
  fi
  return 1
}

chosen() {
  say "using CPython $("$1" -c 'import platform; print(platform.python_version())') at $1"
  echo "$1"
}

resolve() { # NAME
  local found
  if [[ $1 =~ ^3\.[0-9]+[dt]?$ ]]; then
    found=$(find_version "$1") || die "no CPython $1 on this machine"
  else
    found=$(probe "$1") || die "$1 is not a CPython 3.12 to 3.15 that runs"
    found=${found#* * }
  fi
  chosen "$found"
}

if [[ ${1:-} == --all ]]; then
  for version in 3.12 3.13 3.14 3.15; do
    found=$(find_version "$version") && chosen "$found"
  done
  exit 0
fi
if (($# > 0)); then
  for name in "$@"; do resolve "$name"; done
  exit 0
fi
if [[ -n ${PYTHON:-} ]]; then
  resolve "$PYTHON"
  exit 0
fi
for version in "${newest_first[@]}"; do
  if found=$(find_version "$version"); then
    chosen "$found"
    exit 0
  fi
done
found=$(fetch) || die "no CPython 3.12 to 3.15 found and none could be fetched: install one (pyenv, uv or your system's packages) or set PYTHON=/path/to/python"
chosen "$found"
