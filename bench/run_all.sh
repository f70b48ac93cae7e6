#!/bin/sh
# Measures everything side by side and writes RESULTS.md; what it is given goes to run.py (`--scale 0.02 --rounds 1`).
# The first time it makes its virtual environments below bench/work.
set -eu
cd "$(dirname "$0")"
mkdir -p work results

PYTHON=${PYTHON:-../.venv/bin/python}

missing=""
for program in nginx wrk rsync curl; do
	command -v "$program" >/dev/null 2>&1 || [ -x "/usr/sbin/$program" ] || missing="$missing $program"
done
if [ -n "$missing" ]; then
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
		echo "bench: installing$missing with apt-get" >&2
		apt-get update -q >/dev/null
		DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/dev/null
	else
		echo "bench: please install$missing first (sudo apt-get install$missing)" >&2
		exit 1
	fi
fi
PATH=$PATH:/usr/sbin

PYTHON=$PYTHON sh ./environments.sh mlflow client

out=results/$(date +%Y%m%d-%H%M%S).json
"$PYTHON" run.py --out "$out" "$@"

# Only a whole run is worth keeping under the project's name.
case " $* " in
	*" --scale "* | *" --groups "* | *" --drivers "*) report=work/RESULTS.md ;;
	*) report=RESULTS.md ;;
esac
"$PYTHON" report.py "$out" >"$report.new"
mv "$report.new" "$report"
echo "bench: wrote bench/$report" >&2
