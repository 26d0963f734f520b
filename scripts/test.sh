#!/usr/bin/env bash
# Builds everything, checks formats and lints, and runs every test: Solidity with forge, C# with xunit against a real Anvil chain and a real relayer.
# Ends with one line: N passed, N failed.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/prerequisites.sh

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
passed=0
failed=0
broken=()

# step <name> <command…>: a check that passes or fails as a whole.
step() {
  local name=$1 begin=$SECONDS
  shift
  say "$name"
  if "$@"; then
    echo "ok ($((SECONDS - begin)) s)"
  else
    broken+=("$name")
  fi
}

# tests <name> <pattern> <command…>: tests that print how many passed and failed; the pattern finds both numbers in its output, in this order.
tests() {
  local name=$1 pattern=$2 begin=$SECONDS log="$logs/log" counts
  shift 2
  say "$name"
  "$@" 2>&1 | tee "$log" || broken+=("$name")
  counts=$(sed -nE "s/$pattern/\1 \2/p" "$log" | tail -n 1)
  if [ -z "$counts" ]; then
    broken+=("$name: ran no test")
  else
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
  fi
  echo "($((SECONDS - begin)) s)"
}

need_all
need_postgres

step "Solidity: format" forge fmt --check
# Before lint: on files that are not built yet, forge lint leaves artifacts without bytecode in the cache.
step "Solidity: build" forge build
step "Solidity: forge lint" forge lint
step "Solidity: solhint" solhint --noPoster --disc --max-warnings 0 -c .solhint.json 'contracts/**/*.sol' 'tests/contracts/**/*.sol'
tests "Solidity: tests" '.*: ([0-9]+) tests passed, ([0-9]+) failed.*' forge test

step "C#: build" dotnet build CapVault.sln -c Release -v quiet
step "C#: format" dotnet format CapVault.sln --verify-no-changes --no-restore
for project in CapVault.Tests CapVault.IntegrationTests; do
  tests "C#: $project" '.*Passed: +([0-9]+), Failed: +([0-9]+).*' \
    bash -c "dotnet test tests/$project -c Release --no-build | sed -E 's/Failed: +([0-9]+), Passed: +([0-9]+)/Passed: \2, Failed: \1/'; exit \${PIPESTATUS[0]}"
done

for name in "${broken[@]+"${broken[@]}"}"; do
  echo "FAILED: $name"
done
[ "${#broken[@]}" = 0 ] || [ "$failed" != 0 ] || failed=${#broken[@]}
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
