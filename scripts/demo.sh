#!/usr/bin/env bash
# The main job on this machine: a chain, the contracts, a relayer and two agents; one order from negotiation to settlement, one rejection and one
# expiry with refund; then everything is taken down again. Leaves a sandbox that is already up alone.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/prerequisites.sh

need_all

say "Building (dotnet build)"
dotnet build -c Release -v quiet --nologo src/CapVault.Relayer
dotnet build -c Release -v quiet --nologo src/CapVault.Cli

capvault() { dotnet src/CapVault.Cli/bin/Release/net10.0/CapVault.Cli.dll "$@" --dir .capvault/demo; }

take_down() {
  local code=$?
  say "Taking the sandbox down (capvault sandbox down)"
  capvault sandbox down || code=1
  exit "$code"
}
trap take_down EXIT

say "Starting the sandbox (capvault sandbox up)"
capvault sandbox up
say "The demo (capvault sandbox demo)"
capvault sandbox demo
