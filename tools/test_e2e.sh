#!/usr/bin/env bash
# Runs the end-to-end tests: real gunicorn, real `pyrometer serve`, real Chromium.
set -u
cd "$(dirname "$0")/.." || exit 1
browser=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || true)}
if [ -z "$browser" ]; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo 'failed: no Chromium for the browser tests'
        echo 'hint: install it (Debian: apt-get install chromium), or set CHROMIUM to its path'
        exit 1
    fi
    tools/step.sh 'installing Chromium (apt-get)' 'apt-get install chromium' \
        sh -c 'apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y chromium' || exit 1
    browser=$(command -v chromium)
fi
export CHROMIUM=$browser
VERBOSE=1 tools/step.sh 'tests: web, in Chromium' 'run `npm run e2e --prefix web`' npm run --prefix web e2e || exit 1
VERBOSE=1 tools/step.sh 'tests: end to end' 'run .venv/bin/python -m pytest tests/e2e' \
    .venv/bin/python -m pytest -p no:cacheprovider tests/e2e
