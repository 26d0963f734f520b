#!/usr/bin/env bash
# Proves the split of the price, the vault's arithmetic and the protocol's table with the compiler's model checker (SMTChecker) and z3.
# Prints a line for each property, and fails if one that is expected to be proved is not.
# usage: scripts/prove.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/prerequisites.sh

need_node
need_npm_packages
need_z3
node scripts/prove.js
