#!/usr/bin/env bash
# demo.sh [ARG...]: runs interlane.demo on the Python that find-python.sh chooses.
set -euo pipefail
# shellcheck source=ci/common.sh
. "$(dirname "$0")/common.sh"

python=$(ci/find-python.sh)
environment=$(ci/env.sh "$python")
exec "$environment" -m interlane.demo "$@"
