#!/usr/bin/env bash
# The long form of the Solidity tests: 10 000 runs of each fuzz test, and 1 000 sequences of 100 calls for the invariants. Takes hours.
# usage: scripts/fuzz.sh [more arguments of forge test, e.g. --match-contract VaultInvariants]
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/prerequisites.sh

need_node
need_npm_packages
FOUNDRY_FUZZ_RUNS=10000 FOUNDRY_INVARIANT_RUNS=1000 FOUNDRY_INVARIANT_DEPTH=100 forge test "$@"
