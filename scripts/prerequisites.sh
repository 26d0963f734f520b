# Checks what has to be there and installs what can be: npm's packages, and on Debian and Ubuntu the system's SQLite. Source it after lib.sh.

say() { printf '\n==> %s\n' "$*"; }

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

need_dotnet() {
  command -v dotnet > /dev/null || fail "Found no dotnet, expected the .NET 10 SDK. Install it from https://dot.net and run this again."
  dotnet --list-sdks | grep -q '^10\.' ||
    fail "Found no .NET 10 SDK among: $(dotnet --list-sdks | tr '\n' ' '). Install it from https://dot.net and run this again."
}

need_node() {
  command -v node > /dev/null && command -v npm > /dev/null ||
    fail "Found no node and npm, expected Node 20 or newer. Install it from https://nodejs.org and run this again."
  local major
  major=$(node --version | sed 's/^v//; s/\..*//')
  [ "$major" -ge 20 ] || fail "Found Node $(node --version), expected 20 or newer. Install it from https://nodejs.org and run this again."
}

need_npm_packages() {
  if ! npm ls --depth=0 > /dev/null 2>&1; then
    say "Installing Foundry, solc and OpenZeppelin into node_modules (npm ci)"
    npm ci --no-audit --no-fund
  fi
}

# The relayer's database; .NET packages bring only an old one.
need_sqlite() {
  ! ldconfig -p 2> /dev/null | grep -q 'libsqlite3\.so\.0' || return 0
  command -v apt-get > /dev/null || fail "Found no libsqlite3.so.0, expected SQLite 3. Install it with your system's package manager and run this again."
  local sudo=
  if [ "$(id -u)" != 0 ]; then
    command -v sudo > /dev/null || fail "Found no libsqlite3.so.0. Install it as root: apt-get install libsqlite3-0"
    sudo=sudo
  fi
  say "Installing the Debian package libsqlite3-0"
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq libsqlite3-0
}

need_all() {
  need_dotnet
  need_node
  need_npm_packages
  need_sqlite
}

# The command line and the relayer that it starts, from the current sources.
build_capvault() {
  say "Building (dotnet build)"
  dotnet build -c Release -v quiet --nologo src/CapVault.Relayer
  dotnet build -c Release -v quiet --nologo src/CapVault.Cli
}
