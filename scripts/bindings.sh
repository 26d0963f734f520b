#!/usr/bin/env bash
# Regenerates the C# bindings. usage: scripts/bindings.sh [folder, instead of src/CapVault.Contracts/Generated]
target=$(realpath -m "${1:-$(dirname "${BASH_SOURCE[0]}")/../src/CapVault.Contracts/Generated}")
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
forge build contracts # not the tests: they take minutes and change nothing here
node scripts/bindings.js "$target"
