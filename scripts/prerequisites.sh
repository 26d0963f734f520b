# Checks what has to be there and installs what can be: npm's packages, and on Debian and Ubuntu the system's SQLite, PostgreSQL, PgBouncer and Z3. Source
# it after lib.sh.

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

# need_debian <package> <what was not found> <what was expected>: installs the package.
need_debian() {
  command -v apt-get > /dev/null || fail "Found no $2, expected $3. Install it with your system's package manager and run this again."
  local sudo=
  if [ "$(id -u)" != 0 ]; then
    command -v sudo > /dev/null || fail "Found no $2. Install it as root: apt-get install $1"
    sudo=sudo
  fi
  say "Installing the Debian package $1"
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$1"
}

# The relayer's database; .NET packages bring only an old one.
need_sqlite() {
  ldconfig -p 2> /dev/null | grep -q 'libsqlite3\.so\.0' || need_debian libsqlite3-0 libsqlite3.so.0 "SQLite 3"
}

# The database of several relayers, and a pooler in front of it: tests run both. The servers that the packages come with stay off.
need_postgres() {
  if ! ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1; then
    local sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    if command -v apt-get > /dev/null && { [ -z "$sudo" ] || command -v sudo > /dev/null; }; then
      $sudo mkdir -p /etc/postgresql-common
      echo 'create_main_cluster = false' | $sudo tee /etc/postgresql-common/createcluster.conf > /dev/null
    fi
    need_debian postgresql "PostgreSQL in /usr/lib/postgresql" "15 or newer"
  fi
  [ -x /usr/sbin/pgbouncer ] || command -v pgbouncer > /dev/null || need_debian pgbouncer pgbouncer "the pooler PgBouncer"
}

# Signs five times as fast as the managed code that is used without it, and in constant time. Not needed elsewhere than on Debian.
need_secp256k1() {
  ldconfig -p 2> /dev/null | grep -q 'libsecp256k1\.so' || ! command -v apt-get > /dev/null || need_debian libsecp256k1-1 libsecp256k1 "Bitcoin Core's curve library"
}

# Solver of the proofs; the one inside npm's solc gives up on them.
need_z3() {
  command -v z3 > /dev/null || need_debian z3 z3 "the solver Z3"
}

need_all() {
  need_dotnet
  need_node
  need_npm_packages
  need_sqlite
  need_secp256k1
}

# The command line and the relayer that it starts, from the current sources.
build_capvault() {
  say "Building (dotnet build)"
  dotnet build -c Release -v quiet --nologo src/CapVault.Relayer
  dotnet build -c Release -v quiet --nologo src/CapVault.Cli
}
