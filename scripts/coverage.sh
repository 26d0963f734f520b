#!/usr/bin/env bash
# Which lines and branches of contracts/ the Solidity tests reach. Fails unless it is every one, the exceptions in scripts/coverage.js aside.
# usage: scripts/coverage.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/prerequisites.sh

need_node
need_npm_packages
report=$(mktemp)
trap 'rm -f "$report"' EXIT
# Apart from out/ and cache/: coverage compiles everything without the optimizer, which also makes the gas tests pointless.
FOUNDRY_PROFILE=coverage FOUNDRY_OUT=out/coverage FOUNDRY_CACHE_PATH=cache/coverage \
  forge coverage --no-match-path 'tests/contracts/gas/**' --no-match-coverage '^(tests|node_modules|contracts/script)/' --report summary --report lcov --report-file "$report"
node scripts/coverage.js "$report"
