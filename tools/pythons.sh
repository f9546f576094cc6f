#!/usr/bin/env bash
# Prints one line `MINOR PATH` for every CPython named, 3.15 to 3.9 by default, that is found on PATH,
# under pyenv, or in target/pythons (tools/debian_testing.sh); says on stderr how many are missing.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
missing=0
[ $# -ne 0 ] || set -- 3.15 3.14 3.13 3.12 3.11 3.10 3.9
for minor; do
    found=
    for candidate in "$(command -v "python$minor" 2>/dev/null)" \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$minor".*/bin/python "$root/target/pythons/python$minor"; do
        # Shims of version managers are on PATH too, but do not run unless a version is chosen.
        if [ -x "$candidate" ] && [ "$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$minor" ]; then
            found=$candidate
            break
        fi
    done
    if [ -n "$found" ]; then
        echo "$minor $found"
    else
        missing=$((missing + 1))
        echo "python $minor is not installed: its tests are left out" >&2
    fi
done
[ "$missing" -eq 0 ] || echo "SKIPPED $missing of $# Pythons" >&2
