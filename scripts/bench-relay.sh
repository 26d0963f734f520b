#!/usr/bin/env bash
# Sponsored operations through this relayer and through Alto, the bundler that most people would pick, one after the other on the same chain and machine:
# ERC-20 transfers of 100 reference accounts over JSON-RPC, each bundler with a verifying paymaster of its own.
# usage: scripts/bench-relay.sh [seconds per load, default 15] [bundlers, default "capvault-sqlite alto"]
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/prerequisites.sh

seconds=${1:-15}
bundlers=${2:-capvault-sqlite alto}
folder=.capvault/bench
results=$folder/relay.jsonl
rpc_port=18545
api_port=18080
alto_port=18090

capvault() { scripts/capvault "$@" --dir $folder; }
bench() { dotnet tests/bench/CapVault.Bench/bin/Release/net10.0/CapVault.Bench.dll "$@"; }
pid_of() { sed -nE "/\"$1\"/,/\}/s/.*\"pid\": *([0-9]+).*/\1/p" $folder/processes.json; }

# measure <name> <url> <pid> [more]
measure() {
  local name=$1 url=$2 pid=$3
  shift 3
  say "$name"
  bench relay "$name" --bundler "$url" --rpc http://127.0.0.1:$rpc_port --deployment $folder/deployment.json --results $results --seconds "$seconds" \
    --process "$name=$pid" "anvil=$(pid_of anvil)" --closed 16 32 128 --open 20 60 200 400 "$@"
}

need_all
build_capvault
forge build > /dev/null # the paymaster that Alto's operations are given
dotnet build -c Release -v quiet --nologo tests/bench/CapVault.Bench
[[ $bundlers != *alto* ]] || [ -d tests/bench/alto/node_modules ] || { say "Installing Alto"; npm ci --prefix tests/bench/alto > /dev/null; }

alto=
trap 'kill $alto 2> /dev/null; capvault sandbox down' EXIT
capvault sandbox up --port $api_port --anvil-port $rpc_port
rm -f $results

for bundler in $bundlers; do
  case $bundler in
    capvault-sqlite)
      measure "$bundler" http://127.0.0.1:$api_port/rpc "$(pid_of relayer)" --own-paymaster
      kill "$(pid_of relayer)" # so that it takes no part in what follows
      ;;
    alto)
      keys=$(node tests/bench/alto/executors.js http://127.0.0.1:$rpc_port)
      entry_point=$(sed -nE 's/.*"entryPoint": *"([^"]+)".*/\1/p' $folder/deployment.json)
      node tests/bench/alto/node_modules/.bin/alto --entrypoints "$entry_point" --rpc-url http://127.0.0.1:$rpc_port --port $alto_port \
        --executor-private-keys "${keys#*,}" --utility-private-key "${keys%%,*}" --safe-mode false --block-time 200 \
        --max-gas-per-bundle 15000000 --static-max-priority-fee-per-gas 1 --min-bundle-interval 50 --max-bundle-interval 100 --mempool-max-parallel-ops 64 \
        --mempool-max-queued-ops 64 --enforce-unique-senders-per-bundle false --log-level error > $folder/alto.log 2>&1 &
      alto=$!
      until (exec 3<> /dev/tcp/127.0.0.1/$alto_port) 2> /dev/null; do
        kill -0 $alto || fail "Alto ended: $(tail -3 $folder/alto.log)"
        sleep 0.2
      done
      measure "$bundler" http://127.0.0.1:$alto_port "$alto"
      kill $alto
      ;;
  esac
done

say "Side by side"
bench report $results --reference alto
