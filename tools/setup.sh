# Set-up shared by ./run and ./test; sourced, not run. Every step is skipped quickly when it is already done.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build="$root/build/release"

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() { printf 'faceforge: %s\n' "$*" >&2; exit 3; }

# Whoever presses Ctrl-C is not told that what they stopped has failed.
trap 'printf "\nfaceforge: interrupted\n" >&2; exit 130' INT

# install_packages FILE...: installs the Debian packages named in the files that are not there yet.
install_packages() {
  local missing=() line name installed
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
  while IFS= read -r line; do
    name=${line%%[[:space:]#]*}
    [ -n "$name" ] || continue
    grep -qxF "$name" <<<"$installed" || missing+=("$line")
  done < <(cat "$@" | grep -v '^[[:space:]]*#')
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${#missing[@]} Debian packages:"
  printf '      %s\n' "${missing[@]}" >&2
  local as_root=() names=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "not root, and there is no sudo: install the packages above, then run this again"
    as_root=(sudo)
  fi
  for line in "${missing[@]}"; do names+=("${line%%[[:space:]#]*}"); done
  "${as_root[@]}" apt-get update -q >/dev/null || die "apt-get update failed"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    -o Dpkg::Use-Pty=0 "${names[@]}" >/dev/null || die "apt-get install failed"
}

# check_node: Node 20 or later and npm must be there; Debian 12's own Node is older.
check_node() {
  { command -v node && command -v npm; } >/dev/null || die "Node 20.19 or later and npm are needed: see https://nodejs.org"
  node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' ||
    die "Node $(node --version) is too old: 20.19 or later is needed"
}

# install_npm FOLDER: npm ci, without running packages' scripts, when package-lock.json changed since the last time.
install_npm() {
  local folder=$1 stamp="$1/node_modules/.faceforge-lock"
  [ -f "$folder/package-lock.json" ] || die "$folder/package-lock.json is missing"
  if ! cmp -s "$folder/package-lock.json" "$stamp"; then
    say "npm packages of ${folder#"$root"/}"
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error) >&2 || die "npm ci failed in $folder"
    cp "$folder/package-lock.json" "$stamp"
  fi
}

# build_web: the pages, when a source of theirs is newer than the last build.
build_web() {
  local done_mark="$root/web/dist/.built"
  if [ ! -f "$done_mark" ] || [ -n "$(find "$root/web" "$root/src/http/openapi.yaml" \
      \( -name node_modules -o -name dist -o -name schema.d.ts \) -prune -o -type f -newer "$done_mark" -print -quit)" ]; then
    install_npm "$root/web"
    say "building the pages"
    (cd "$root/web" && npm run --silent build) >&2 || die "the pages did not build"
    touch "$done_mark"
  fi
}

# configure NAME=VALUE...: configures the build when it is not there or an option of it has another value.
configure() {
  local option log options=() done=yes
  for option in "$@"; do
    options+=("-D$option")
    grep -qs "^${option%%=*}:BOOL=${option#*=}$" "$build/CMakeCache.txt" || done=no
  done
  [ -f "$build/build.ninja" ] && [ "$done" = yes ] && return
  say "configuring the build"
  log=$(cd "$root" && cmake --preset release "${options[@]}" 2>&1) ||
    { printf '%s\n' "$log" >&2; die "cmake could not configure"; }
}

# build_targets ON|OFF TARGET...: configures when needed and builds; ON also configures the tests.
build_targets() {
  local testing=$1; shift
  configure BUILD_TESTING="$testing"
  if ! ninja -C "$build" -n "$@" 2>/dev/null | grep -q 'no work to do'; then
    say "building (the first time takes some minutes)"
    ninja -C "$build" "$@" >&2 || die "the build failed"
  fi
}
