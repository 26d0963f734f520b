#!/usr/bin/env bash
# Sponsored operations through this relayer and through Alto, the bundler that most people would pick, one after the other on the same chain and machine:
# ERC-20 transfers of 100 reference accounts over JSON-RPC, each bundler with a verifying paymaster of its own.
# usage: scripts/bench-relay.sh [seconds per load, default 15] [bundlers, default "capvault-sqlite capvault-postgres alto"]
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/prerequisites.sh

seconds=${1:-15}
bundlers=${2:-capvault-sqlite capvault-postgres alto}
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

# A PostgreSQL of this run's own, reachable over a socket in its folder and nowhere else; it refuses to run as root.
start_postgres() {
  need_postgres
  local programs
  programs=$(dirname "$(ls -d /usr/lib/postgresql/*/bin/initdb | tail -n 1)")
  postgres=$(mktemp -d)
  as_postgres=()
  if [ "$(id -u)" = 0 ]; then
    chown postgres "$postgres"
    as_postgres=(runuser -u postgres --)
  fi
  "${as_postgres[@]}" "$programs/initdb" -D "$postgres/data" -U postgres -A trust -E UTF8 --locale=C > /dev/null
  "${as_postgres[@]}" "$programs/pg_ctl" start -w -D "$postgres/data" -l "$postgres/log" -o "-k $postgres -c listen_addresses=''" > /dev/null
}

# start_relayer_on_postgres: the sandbox's relayer once more, with nothing changed but its database.
start_relayer_on_postgres() {
  local environment
  mapfile -d '' -t environment < "/proc/$(pid_of relayer)/environ"
  kill "$(pid_of relayer)"
  mkdir -p $folder/data-postgres
  env -i "${environment[@]}" CapVault__DataDirectory="$PWD/$folder/data-postgres" CapVault__Database="Host=$postgres;Username=postgres;Database=postgres;Max Auto Prepare=200" \
    dotnet src/CapVault.Relayer/bin/Release/net10.0/CapVault.Relayer.dll > $folder/relayer-postgres.log 2>&1 &
  relayer=$!
  until (exec 3<> /dev/tcp/127.0.0.1/$api_port) 2> /dev/null; do
    kill -0 $relayer 2> /dev/null || fail "The relayer ended: $(tail -3 $folder/relayer-postgres.log)"
    sleep 0.2
  done
}

need_all
build_capvault
forge build > /dev/null # the paymaster that Alto's operations are given
dotnet build -c Release -v quiet --nologo tests/bench/CapVault.Bench
[[ $bundlers != *alto* ]] || [ -d tests/bench/alto/node_modules ] || { say "Installing Alto"; npm ci --prefix tests/bench/alto > /dev/null; }

alto= relayer= postgres=
finish() {
  kill $alto $relayer 2> /dev/null || true
  capvault sandbox down
  [ -z "$postgres" ] || { kill "$(head -n 1 "$postgres/data/postmaster.pid")" && rm -rf "$postgres"; }
}
trap finish EXIT
capvault sandbox up --port $api_port --anvil-port $rpc_port
rm -f $results

for bundler in $bundlers; do
  case $bundler in
    capvault-sqlite)
      measure "$bundler" http://127.0.0.1:$api_port/rpc "$(pid_of relayer)" --own-paymaster
      ;;
    capvault-postgres)
      start_postgres
      start_relayer_on_postgres
      measure "$bundler" http://127.0.0.1:$api_port/rpc $relayer --own-paymaster --process "postgres=$(head -n 1 "$postgres/data/postmaster.pid")"
      kill $relayer
      ;;
    alto)
      kill "$(pid_of relayer)" 2> /dev/null || true # so that it takes no part
      keys=$(node tests/bench/alto/executors.js http://127.0.0.1:$rpc_port)
      entry_point=$(sed -nE 's/.*"entryPoint": *"([^"]+)".*/\1/p' $folder/deployment.json)
      node tests/bench/alto/node_modules/.bin/alto --entrypoints "$entry_point" --rpc-url http://127.0.0.1:$rpc_port --port $alto_port \
        --executor-private-keys "${keys#*,}" --utility-private-key "${keys%%,*}" --safe-mode false --block-time 200 \
        --max-gas-per-bundle 15000000 --static-max-priority-fee-per-gas 1 --min-bundle-interval 50 --max-bundle-interval 100 --mempool-max-parallel-ops 64 \
        --mempool-max-queued-ops 64 --enforce-unique-senders-per-bundle false --log-level error > $folder/alto.log 2>&1 &
      alto=$!
      until (exec 3<> /dev/tcp/127.0.0.1/$alto_port) 2> /dev/null; do
        kill -0 $alto 2> /dev/null || fail "Alto ended: $(tail -3 $folder/alto.log)"
        sleep 0.2
      done
      measure "$bundler" http://127.0.0.1:$alto_port "$alto"
      kill $alto
      ;;
  esac
done

say "Side by side"
bench report $results --reference alto
