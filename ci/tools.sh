#!/usr/bin/env bash
# tools.sh [PACKAGE...]: an environment of its own with a current pip, maturin and ruff (and PACKAGE...), made with
# any Python that can make one. Prints its bin folder. Its pip serves all environments of ci/env.sh
# (`pip --python`), so those need no pip, which Debian's builds of CPython come without.
set -euo pipefail
# shellcheck source=ci/common.sh
. "$(dirname "$0")/common.sh"

tools=$build/tools
packages=("$@")
stamp=$tools/.installed-$(cat pyproject.toml "$0" | cksum | tr ' ' -)

make_venv() {
  local python
  while read -r python; do
    rm -rf "$tools"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || continue
    "$python" -m venv "$tools" >/dev/null 2>&1 && return
    # Without ensurepip there may still be a pip, and from that virtualenv, which brings its own.
    rm -rf "$tools"
    "$python" -m pip install -q --target "$build/virtualenv" virtualenv >/dev/null 2>&1 &&
      PYTHONPATH=$build/virtualenv "$python" -m virtualenv -q "$tools" >&2 && return
  done < <(
    [[ -z ${PYTHON:-} ]] || type -P "$PYTHON" || true
    type -aP python3 python || true
    shopt -s nullglob
    printf '%s\n' "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/3.*/bin/python | sort -rV
  )
  rm -rf "$tools"
  command -v uv >/dev/null && uv venv -q --seed "$tools" >&2
}

mkdir -p "$build"
if [[ ! -e $stamp ]]; then
  if ! "$tools/bin/python" -m pip --version >/dev/null 2>&1; then
    say "making the tools' environment"
    make_venv || die "no Python with venv or pip found: install them, for example with 'apt-get install python3-venv'"
  fi
  # --group needs pip 25.1, and newer Pythons a newer pip still.
  again "$tools/bin/python" -m pip install -q --upgrade 'pip>=25.1' >&2
  again "$tools/bin/python" -m pip install -q --group tools >&2
  rm -f "$tools"/.installed-*
  touch "$stamp"
fi
for package in ${packages[@]+"${packages[@]}"}; do
  [[ -x $tools/bin/$package ]] || again "$tools/bin/python" -m pip install -q "$package" >&2
done
echo "$tools/bin"
