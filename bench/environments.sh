#!/bin/sh
# Makes the virtual environments that are named, below bench/work, where they are missing or of another version:
# `mlflow` and `client`.
set -eu
cd "$(dirname "$0")"
mkdir -p work

PYTHON=${PYTHON:-../.venv/bin/python}
MLFLOW=3.17.2

make_venv() {  # a stamp says what is in it, and is written last
	[ "$(cat "work/venv-$1/stamp" 2>/dev/null)" = "$2" ] && return
	echo "bench: making bench/work/venv-$1 ($2); minutes, once" >&2
	"$PYTHON" -m venv "work/venv-$1"
	"work/venv-$1/bin/python" -m pip install --quiet --disable-pip-version-check $3
	printf %s "$2" >"work/venv-$1/stamp"
}

for name in "$@"; do
	case $name in
		mlflow) make_venv mlflow "mlflow $MLFLOW" "mlflow==$MLFLOW" ;;
		client) make_venv client "client $(cat ../client/pyproject.toml | cksum)" "-e ../client" ;;
		*) echo "bench: there is no environment $name" >&2; exit 2 ;;
	esac
done
