#!/usr/bin/env bash
# fuzz.sh SECONDS [TARGET…]: runs fuzz targets for so long each, from what was found before on. An input
# that crashes, hangs or asks for too much memory is kept under target/fuzz-found and ends it with 1.
set -u
cd "$(dirname "$0")/.." || exit 1
seconds=$1
shift
if ! command -v c++ >/dev/null; then
    echo 'SKIPPED: fuzzing needs a C++ compiler (Debian: apt-get install g++)'
    exit 0
fi
tools/step.sh 'fuzz targets (cargo, a minute at first)' 'see the error above' \
    sh -c 'cd fuzz && cargo build --release --locked' || exit 1
[ $# -gt 0 ] || set -- $(cd fuzz/targets && ls -- *.rs | sed 's/\.rs$//')
if [ ! -e target/fuzz-corpus/elf/symbols ]; then
    # A small file with the symbols that are looked for: the compiler knows the format better than chance.
    mkdir -p target/fuzz-corpus/elf
    echo 'int _PyRuntime = 1, Py_Version = 2; long PyCode_Type[9]; int main(void) { return 0; }' |
        c++ -x c -shared -nostdlib -s -Wl,-z,noseparate-code -o target/fuzz-corpus/elf/symbols - || exit 1
fi
failed=0
for target in "$@"; do
    corpus=target/fuzz-corpus/$target found=target/fuzz-found/$target
    mkdir -p "$corpus" "$found"
    seeds=
    [ -d "fuzz/seeds/$target" ] && seeds=fuzz/seeds/$target
    # shellcheck disable=SC2086
    tools/step.sh "fuzz: $target, $seconds s" "cargo run in fuzz/ with the input in $found" \
        "target/fuzz/x86_64-unknown-linux-gnu/release/$target" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$found/" "$corpus" $seeds || failed=1
done
exit "$failed"
