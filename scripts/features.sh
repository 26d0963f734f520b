#!/usr/bin/env bash
# Runs the tests that prove rows of tests/features.csv (their names begin with the row's id: CR25_Upload_is_hashed) and writes docs/features.md:
# row, what it is, its tests, their result. Fails if a row of the finished profiles has no test, or one that fails.
# usage: scripts/features.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/prerequisites.sh

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
need_all

say "Solidity"
forge test --match-test 'CR[0-9][0-9]_' --json > "$results/forge.json" || true

# Contains, not begins with: the filter language has no more. .CR0 and its like are in no other name.
filter=$(printf '|FullyQualifiedName~.CR%s' 0 1 2 3 4 5 6)
for project in CapVault.Tests CapVault.IntegrationTests; do
  say "C#: $project"
  dotnet test "tests/$project" -c Release --filter "${filter:1}" --logger "trx;LogFileName=$project.trx" --results-directory "$results" || true
done

node scripts/features.js tests/features.csv "$results" docs/features.md
