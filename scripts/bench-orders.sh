#!/usr/bin/env bash
# How many whole orders (negotiate → settled) one relayer sustains on this machine, which also runs the chain.
# usage: scripts/bench-orders.sh [orders in flight, default 64] [seconds, default 30]
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/prerequisites.sh

need_all
build_capvault
dotnet build -c Release -v quiet --nologo tests/bench/CapVault.Bench

capvault() { scripts/capvault "$@" --dir .capvault/bench; }
trap 'capvault sandbox down' EXIT
capvault sandbox up
api=$(sed -nE 's/.*"apiUrl": *"([^"]+)".*/\1/p' .capvault/bench/sandbox.json)
dotnet tests/bench/CapVault.Bench/bin/Release/net10.0/CapVault.Bench.dll orders "$api" .capvault/bench/data/operator.key --in-flight "${1:-64}" --seconds "${2:-30}"
