#!/usr/bin/env bash
# Prints one line `MINOR PATH` for every CPython from 3.9 to 3.13 found on PATH or under pyenv,
# newest first; says on stderr how many of the profiled ones are missing.
set -u
missing=0
for minor in 3.13 3.12 3.11 3.10 3.9; do
    found=
    for candidate in "$(command -v "python$minor" 2>/dev/null)" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$minor".*/bin/python; do
        # Shims of version managers are on PATH too, but do not run unless a version is chosen.
        if [ -x "$candidate" ] && [ "$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$minor" ]; then
            found=$candidate
            break
        fi
    done
    if [ -n "$found" ]; then
        echo "$minor $found"
    elif [ "${minor#3.}" -ge 11 ]; then
        missing=$((missing + 1))
        echo "python $minor is not installed: its tests are left out" >&2
    fi
done
[ "$missing" -eq 0 ] || echo "$missing of 3 profiled Pythons are missing" >&2
