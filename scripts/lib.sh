# Shared by the scripts: where the project is, and the tools that npm brought. Source it; it changes into the project's root.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
export PATH="$ROOT/node_modules/.bin:$PATH"
export FOUNDRY_SOLC="$ROOT/scripts/solc" # absolute: forge resolves a relative path against the current folder
export FOUNDRY_DISABLE_NIGHTLY_WARNING=1
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
