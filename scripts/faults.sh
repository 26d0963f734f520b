#!/usr/bin/env bash
# Kills relayers, node, chain and database while agents trade, and checks money and events against the chain. A test runs the short form.
# usage: scripts/faults.sh [--kills N, default 50] [--seed S] [--database sqlite|postgres] [--instances N, default 1; more with postgres]
# Ends with one line: acknowledged N, lost N, doubled N, misordered N, stuck N, seed S. Fails unless the last four counts are 0.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/prerequisites.sh

need_all
forge build > /dev/null
dotnet build -c Release -v quiet --nologo tests/CapVault.IntegrationTests
dotnet tests/CapVault.IntegrationTests/bin/Release/net10.0/CapVault.IntegrationTests.dll "$@"
