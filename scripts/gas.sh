#!/usr/bin/env bash
# Measures full-transaction gas (tests/contracts/gas) and prints docs/gas.md's table, one line per operation: name, gas, limit, peers; then the
# sponsored operations. Fails where a figure is not the one in docs/gas.md, or above its limit.
# usage: scripts/gas.sh [--update]: writes the figures into docs/gas.md (a new operation needs its row there)
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

log=$(mktemp)
table=$(mktemp)
trap 'rm -f "$log" "$table"' EXIT

# A figure that differs fails its test, but is still logged.
measure() {
  forge test --match-path 'tests/contracts/gas/*' -vv > "$log" || { grep -q '^Ran ' "$log" && return 1; exit 1; }
}

# What one test contract logs.
logs_of() { sed -n "/gas\/$1.t.sol/,/^Suite/p" "$log"; }

status=0
measure || status=$?
logs_of Gas | sed -nE 's/^  (.+): ([0-9]+)$/\1|\2/p' | awk -F'|' '
  NR == FNR { gas[$1] = $2; next }
  split($0, cell, " \\| ") > 1 && substr(cell[1], 3) in gas { sub(/ \| [0-9]+ \|/, " | " gas[substr(cell[1], 3)] " |") }
  { print }
' - docs/gas.md > "$table"
if [ "${1:-}" = --update ]; then
  cat "$table" > docs/gas.md
  status=0
  measure || status=$?
fi

sed -nE 's/^\| ([^|]+) \| ([0-9]+) \| ([0-9]*) ?\| ?(.*)\|$/\1|\2|\3|\4/p' "$table" \
  | awk -F'|' 'BEGIN { print "operation|gas|at most|peers" } { print }' \
  | awk -F'|' '{ printf "%-30s %8s %8s  %s\n", $1, $2, $3, $4 }' | sed 's/ *$//'
printf '\nsponsored operations, whole handleOps transactions\n'
logs_of SponsoredGas | grep -E '^  [^ ]|handleOps gas' || true
grep -E '^\[FAIL' "$log" | sort -u >&2 || true
exit "$status"
