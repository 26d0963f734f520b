#!/usr/bin/env bash
# Mutation testing: changes the contracts in one place at a time, and fails unless some test notices each change. What no test can notice is listed in
# tests/contracts/mutation-equivalents.json with the reason. Takes minutes per contract.
# usage: scripts/mutate.sh [--contract CAPVault|AgentAccount|CAPPaymaster] [--in FUNCTION] [--jobs N] [--quick]
# --quick: the contract's own tests alone, with few runs; finds more survivors than there are.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/prerequisites.sh

need_node
need_npm_packages
forge build
node scripts/mutate.js "$@"
