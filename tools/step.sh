#!/usr/bin/env bash
# step.sh NAME HINT COMMAND…: runs one step of a build, shows how long it takes, and when it fails
# says which step it was and what to do. Quiet unless something is wrong or VERBOSE=1.
set -u
name=$1 hint=$2
shift 2
start=$(date +%s)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
printf '· %-44s' "$name"
if [ "${VERBOSE:-}" = 1 ]; then
    printf '\n'
    "$@" 2>&1 | tee "$log"
    code=${PIPESTATUS[0]}
else
    "$@" >"$log" 2>&1
    code=$?
fi
if [ "$code" -eq 0 ]; then
    printf ' %4ds\n' "$(($(date +%s) - start))"
else
    printf ' failed\n\n'
    tail -n 60 "$log"
    printf '\nfailed: %s (exit code %d)\nhint: %s\n' "$name" "$code" "$hint"
fi
exit "$code"
