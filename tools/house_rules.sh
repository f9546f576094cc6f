#!/usr/bin/env bash
# House rules that no linter knows. Prints what breaks them; silent when nothing does.
set -u
cd "$(dirname "$0")/.." || exit 1
broken=0
rule() { # rule TEXT LINES
    if [ -n "$2" ]; then
        printf '%s\n%s\n' "$1" "$2"
        broken=1
    fi
}
sources=(':*.rs' ':*.py' ':*.ts' ':*.tsx' ':*.css')
rule 'longer than 450 lines:' "$(git ls-files "${sources[@]}" | xargs wc -l | awk '$2 != "total" && $1 > 450')"
rule 'left undone:' "$(git grep -nIE 'todo!\(|unimplemented!\(|\b(FIX''ME|TO''DO|X''XX)\b' "${sources[@]}")"
rule 'tests that do not run:' "$(git grep -nIE '#\[ignore|mark\.xfail|\b(it|test|describe)\.(skip|only|todo)\(' "${sources[@]}" | grep -v 'runs in a child of the test above')"
rule 'no profile may abort on a panic:' "$(git grep -nE '^panic *= *"abort"' '*.toml')"
rule 'lock files with download addresses:' "$(git grep -lE '"(resolved|url)": "https?://' '*lock*.json')"
exit "$broken"
