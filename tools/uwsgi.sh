#!/usr/bin/env bash
# Builds uWSGI into target/venvs/uwsgi, for the tests that read an interpreter embedded in another
# program. A minute of CPU, once. Where it cannot be built, says so and succeeds: the tests skip.
set -u
cd "$(dirname "$0")/.." || exit 1
environment=target/venvs/uwsgi
[ ! -x "$environment/bin/uwsgi" ] || exit 0
python=$(tools/pythons.sh 3.11 | cut -d' ' -f2)
log=$environment.log
mkdir -p target/venvs
if [ -z "$python" ] || ! { "$python" -m venv "$environment" &&
    "$environment/bin/pip" install -q --disable-pip-version-check 'uWSGI==2.0.31'; } >"$log" 2>&1; then
    echo "SKIPPED 1 embedded interpreter: uWSGI was not built (see $log)" >&2
fi
