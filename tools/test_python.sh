#!/usr/bin/env bash
# Runs python/tests on every Python found: each in an environment of its own under target/, or with
# the pytest of its Debian tree. Tests that take minutes run on the newest with an environment only,
# beside each other.
set -u
cd "$(dirname "$0")/.." || exit 1
failed=0
newest=
while read -r minor python; do
    if [ "$python" = "$PWD/target/pythons/python$minor" ]; then
        VERBOSE=1 tools/step.sh "tests: Python $minor" "run $python -m pytest python/tests" \
            "$python" -m pytest -p no:cacheprovider -rs python/tests || failed=1
        continue
    fi
    venv=target/venvs/$minor
    if [ ! -e "$venv/.stamp" ] || [ tools/requirements-test.txt -nt "$venv/.stamp" ]; then
        tools/step.sh "environment for Python $minor" "Python $minor needs its venv module" \
            sh -c "'$python' -m venv '$venv' && '$venv/bin/pip' install -q --disable-pip-version-check -r tools/requirements-test.txt && touch '$venv/.stamp'" || exit 1
    fi
    VERBOSE=1 tools/step.sh "tests: Python $minor" "run $venv/bin/python -m pytest python/tests" \
        "$venv/bin/python" -m pytest -p no:cacheprovider -rs python/tests || failed=1
    newest=${newest:-$minor}
done < <(tools/pythons.sh)
[ -n "$newest" ] || exit "$failed"
slow() {
    PYROMETER_SLOW_TESTS=1 VERBOSE=1 tools/step.sh "slow tests, on Python $newest only: $1" \
        "run PYROMETER_SLOW_TESTS=1 target/venvs/$newest/bin/python -m pytest python/tests/$1" \
        "target/venvs/$newest/bin/python" -m pytest -q -p no:cacheprovider -rs "python/tests/$1"
}
running=()
for file in test_limits.py test_load.py test_stalls.py; do
    slow "$file" &
    running+=($!)
done
for process in "${running[@]}"; do
    wait "$process" || failed=1
done
exit "$failed"
