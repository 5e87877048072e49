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

# Run a command that takes minutes: a line every few seconds says for how long and what it did last. All that it said is
# shown where it fails.
every=${BOOTSTRAP_EVERY:-10}
run() {
  local what=$1 log began=$SECONDS next=$((SECONDS + every)) pid
  shift
  log=$(mktemp)
  "$@" >"$log" 2>&1 &
  pid=$!
  # What a script starts in the background does not hear the terminal's interrupt.
  trap 'kill "$pid"; rm -f "$log"; exit 130' INT TERM
  while kill -0 "$pid" 2>/dev/null; do
    if ((SECONDS >= next)); then
      printf '%5d s  %s: %.90s\n' $((SECONDS - began)) "$what" "$(tail --lines=1 "$log")"
      next=$((SECONDS + every))
    fi
    sleep 0.2
  done
  trap - INT TERM
  if ! wait "$pid"; then
    cat "$log" >&2
    rm -f "$log"
    echo "$what failed: see above" >&2
    return 1
  fi
  rm -f "$log"
  printf '%5d s  %s: done\n' $((SECONDS - began)) "$what"
}

# After a failure: a network that stumbles, or an archive that is being published, is well again soon.
failures=0
again() {
  if ((++failures == 3)); then
    echo "mend the cause and run it again" >&2
    exit 1
  fi
  echo "tried again in $every s" >&2
  sleep "$every"
}

missing=()
for package in "${packages[@]}"; do
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
done
if ((${#missing[@]})); then
  echo "Installing Debian packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  until run "lists of Debian packages" apt-get update &&
    run "Debian packages" apt-get install --yes --quiet --no-install-recommends "${missing[@]}"; do
    again
  done
fi

wanted=$(sha256sum requirements/dev.lock pyproject.toml | sha256sum)
if [[ $(cat .venv/.wanted 2>/dev/null) != "$wanted" ]]; then
  echo "Installing Python packages into .venv"
  [[ -x .venv/bin/python ]] || run "folder for Python packages" python3 -m venv .venv
  until run "Python packages" .venv/bin/pip install --progress-bar off --require-hashes --requirement requirements/dev.lock; do
    again
  done
  run "Amalgam itself" .venv/bin/pip install --no-deps --no-build-isolation --editable .
  echo "$wanted" >.venv/.wanted
fi
