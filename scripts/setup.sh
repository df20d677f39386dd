#!/usr/bin/env bash
# Makes a fresh clone ready. npm calls it before `start`, `test` and `check`, so it says nothing
# and takes a moment only when there is nothing to do.
#
#   scripts/setup.sh runtime   what `npm start` needs
#   scripts/setup.sh all       that, and the real parts the tests run against
#
# Everything it prints goes to stderr: the server's ready line is alone on stdout.
set -euo pipefail

# One package a line, with what it is for.
runtime_packages=(
  qemu-system-x86  # runs the machines
  qemu-utils       # qemu-img: copy-on-write overlays
  busybox-static   # userland of the demo guest
  e2fsprogs        # mke2fs: the demo guest's disk
  iproute2         # ip, bridge, tc: taps and rate limits
  nftables         # keeps machines and customers apart on a bridge
)
test_packages=(
  libvirt-daemon-system      # libvirtd, the peer of the boot benchmark
  libvirt-daemon-driver-qemu # libvirt's QEMU driver, only recommended by the above
  tini                       # reaps guests of the tests' libvirtd, as a host's first process does
  libvirt-clients            # virsh
  openssh-server             # the other host of qemu+ssh, with an sshd of the test's own
  netcat-openbsd             # nc, which libvirt calls there for a socket that a URI names
  swtpm                      # emulates the TPM of domains that get one
  swtpm-tools                # swtpm_setup, with which libvirt makes a new one
  libxml2-utils              # xmllint, with which virt-xml-validate checks our domains
  ovmf                       # UEFI firmware for guests that boot a disk by themselves
  postgresql                 # the store tests run on it as well as on SQLite
  prometheus                 # promtool checks /metrics; answers queries beside ours
  prometheus-node-exporter   # what our metrics of the host are compared with
  iputils-ping               # real packets to real guests
  chromium-headless-shell    # opens the web page as its users do; without a screen, at half the cost
  nbdkit                     # serves disks over NBD, as it does with VMware's library
  golang-go                  # builds the next one, which is a library
  golang-github-vmware-govmomi-dev # its simulator is the vSphere of the tests
)

say() { printf 'setup: %s\n' "$*" >&2; }

# npm runs on the Node that came with it: the pinned one lives in node_modules, which
# `npm ci` removes first.
npm_ci() {
  local path=":$PATH:"
  path=${path//":$PWD/node_modules/.bin:"/:}
  say 'installing the npm packages of package-lock.json'
  PATH=${path:1:${#path}-2} npm ci --loglevel=error --no-progress >&2
  cp package-lock.json "$stamp"
}

install_npm_packages() {
  local stamp=node_modules/.drover-package-lock.json
  cmp -s package-lock.json "$stamp" && return
  # Two first runs at once (`npm start` beside `npm test`) take turns.
  if command -v flock >/dev/null; then
    exec 9<package.json
    flock 9
    cmp -s package-lock.json "$stamp" || npm_ci
    exec 9<&-
  else
    npm_ci
  fi
}

# Puts the names of "$@" that dpkg does not have into the array `missing`.
find_missing() {
  local installed name
  installed=$'\n'$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)$'\n'
  missing=()
  for name in "$@"; do
    [[ $installed == *$'\n'"$name installed"$'\n'* ]] || missing+=("$name")
  done
}

# Debian starts a service as soon as its package is there. Nothing of Drover wants a libvirtd, a
# PostgreSQL or a Prometheus of the machine: tests start their own. A policy that is there stays.
without_starting_services() {
  local policy=/usr/sbin/policy-rc.d
  if [[ -e $policy ]]; then
    "$@"
    return
  fi
  (
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    "$@"
  )
}

apt_install() {
  local install=(apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "$@")
  "${install[@]}" || { apt-get update -qq && "${install[@]}"; }
}

install_debian_packages() {
  local missing log
  if ! command -v dpkg-query >/dev/null; then
    command -v qemu-system-x86_64 >/dev/null ||
      say "this is not Debian: please install what these packages hold: $*"
    return 0
  fi
  find_missing "$@"
  ((${#missing[@]} == 0)) && return
  local command="apt-get update && apt-get install --no-install-recommends ${missing[*]}"
  if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    say 'some parts are missing; what needs them will say so. To install them, run as root:'
    say "  $command"
    return
  fi
  say "installing Debian packages: ${missing[*]}"
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive
  if ! without_starting_services apt_install "${missing[@]}" >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    say 'that did not work; what needs these parts will say so. To try again, run as root:'
    say "  $command"
  fi
  rm -f "$log"
}

# Here and not in the first test that needs it, which would take it for slowness.
build_simulator() {
  [[ -x /usr/bin/go ]] || return 0
  node_modules/.bin/node scripts/build-simulator.ts >&2 ||
    say "vSphere's simulator cannot be built; what needs it will say so"
}

# The server runs without it, and says then how to build it.
build_web() {
  node_modules/.bin/node scripts/build-web.ts "$@" >&2 ||
    say 'the web page cannot be built; Drover runs without it'
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
case ${1:-} in
  runtime) packages=("${runtime_packages[@]}") ;;
  all) packages=("${runtime_packages[@]}" "${test_packages[@]}") ;;
  *)
    say 'usage: scripts/setup.sh runtime|all'
    exit 2
    ;;
esac
install_npm_packages
install_debian_packages "${packages[@]}"
build_web
if [[ $1 == all ]]; then
  build_web --tests
  build_simulator
fi
