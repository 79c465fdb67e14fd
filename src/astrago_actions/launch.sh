#!/usr/bin/env bash
# Starts an action: launch.sh <action>. Inputs arrive as JSON in $INPUTS.
set -euo pipefail

python=${ASTRAGO_ACTIONS_PYTHON:-python3}
if ! type "$python" >/dev/null 2>&1; then
  echo "::error title=Python is missing::astrago-actions needs python3 3.10 or newer on the runner. Add actions/setup-python before this step, or install python3 in the container image."
  exit 1
fi

# -I keeps the workspace, PYTHON* variables and user packages out; -S skips site-packages; the
# runner speaks UTF-8 whatever the locale is.
exec "$python" -I -S -X utf8 "${BASH_SOURCE[0]%/*}/launch.py" "$1"
