#!/usr/bin/env bash
# Install what a bare Debian 12 machine lacks for building a bundle and running a lab: Debian packages by apt, Python
# packages by pip with the checksums of requirements/dev.lock. Nothing is done twice.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  git make python3 python3-venv                      # the tools themselves
  gcc libc6-dev pkg-config                           # the two programs in C: runc and the pause container
  mmdebstrap dpkg-dev zstd                           # closed set of Debian packages, root of a lab node
  systemd-container iproute2 lxcfs nftables openssh-client # the nodes of a lab
  openssl tzdata util-linux mount                    # certificates in tests, time zones, namespaces
  skopeo                                             # images into a registry
  shellcheck
  chromium chromium-driver fonts-dejavu-core libjs-dygraphs libnss3-tools # dashboards in a browser
)
# The same two programs for the other architecture (all others are Go, which needs no second compiler), and nodes of it.
if [[ $(dpkg --print-architecture) == amd64 ]]; then
  packages+=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static arch-test)
fi

missing=()
for package in "${packages[@]}"; do
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
done
if ((${#missing[@]})); then
  echo "Installing Debian packages: ${missing[*]}"
  apt-get update --quiet=2
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends "${missing[@]}" >/dev/null
fi

wanted=$(sha256sum requirements/dev.lock pyproject.toml | sha256sum)
if [[ $(cat .venv/.wanted 2>/dev/null) != "$wanted" ]]; then
  echo "Installing Python packages into .venv"
  [[ -x .venv/bin/python ]] || python3 -m venv .venv
  .venv/bin/pip install --quiet --require-hashes --requirement requirements/dev.lock
  .venv/bin/pip install --quiet --no-deps --no-build-isolation --editable .
  echo "$wanted" >.venv/.wanted
fi
