#!/usr/bin/env bash
# The main job on this machine: a chain, the contracts, a relayer and two agents; one order from negotiation to settlement, one rejection and one
# expiry with refund; then everything is taken down again. Leaves a sandbox that is already up alone.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/prerequisites.sh

need_all

build_capvault

capvault() { scripts/capvault "$@" --dir .capvault/demo; }

take_down() {
  local code=$?
  say "Taking the sandbox down"
  capvault sandbox down || code=1
  exit "$code"
}
trap take_down EXIT

say "Starting the sandbox"
capvault sandbox up
say "The demo"
capvault sandbox demo
