#!/usr/bin/env bash
# Install what `make demo` needs and this machine lacks: packages, a container engine that runs.
#
#   tools/prerequisites.sh packages    before the virtual environment is made
#   tools/prerequisites.sh sanity      for `make sanity`
#   tools/prerequisites.sh browser     for `make pictures`; what needs it is skipped where it cannot be had
#   tools/prerequisites.sh engine      a running container engine
#
# Works as root, as a user with sudo, and as a plain user where everything is there already.
set -euo pipefail
cd "$(dirname "$0")/.."
installed=.cache/installed-packages

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif sudo -n true 2>/dev/null; then sudo "$@"; else return 77; fi
}

install() {
    echo "installing $*"
    mkdir -p .cache
    if ! { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "$@" >.cache/apt.log 2>&1; }; then
        tail -n 5 .cache/apt.log 2>/dev/null || true
        echo "these packages are missing and could not be installed: $*" >&2
        echo "install them as root: apt-get install --no-install-recommends $*" >&2
        exit 1
    fi
    printf '%s\n' "$@" >>"$installed"
}

packages() {
    local wanted=()
    python3 -c 'import ensurepip, venv' 2>/dev/null || wanted+=(python3-venv)
    command -v ssh-keygen >/dev/null || wanted+=(openssh-client)
    command -v mmdebstrap >/dev/null || wanted+=(mmdebstrap)
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || wanted+=(debian-archive-keyring)
    # fabric-ca's SQLite is C.
    command -v gcc >/dev/null && [ -e "$(gcc -print-file-name=libc.a)" ] || wanted+=(gcc libc6-dev)
    [ "$(id -u)" = 0 ] || command -v newuidmap >/dev/null || wanted+=(uidmap)
    [ ${#wanted[@]} = 0 ] || install "${wanted[@]}"
}

# ansible-test passes over its test of shell scripts where there is no such program.
sanity() {
    command -v shellcheck >/dev/null || install shellcheck
}

# Without a font of its own Chromium draws no letters.
browser() {
    local wanted=()
    command -v chromium >/dev/null || wanted+=(chromium)
    command -v chromedriver >/dev/null || wanted+=(chromium-driver)
    [ ${#wanted[@]} = 0 ] || (install "${wanted[@]}" fonts-dejavu-core) || echo "tests in a browser will be skipped" >&2
}

answers() {
    docker version --format '{{.Server.Version}}' >/dev/null 2>&1 ||
        python3 - <<'PY'
import socket, sys
s = socket.socket(socket.AF_UNIX)
try:
    s.connect("/var/run/docker.sock")
except OSError:
    sys.exit(1)
PY
}

start_engine() {
    if [ -d /run/systemd/system ]; then
        as_root systemctl start docker.service
    else
        # Debian's init script fails on its ulimit line in some containers and machines; the daemon itself does not.
        as_root bash -c 'nohup dockerd >/var/log/selvedge-dockerd.log 2>&1 & echo $! >/var/run/selvedge-dockerd.pid'
    fi
    for _ in $(seq 300); do
        answers && return 0
        sleep 0.1
    done
    echo "the container engine did not start: see /var/log/selvedge-dockerd.log or journalctl -u docker" >&2
    exit 1
}

engine() {
    if answers; then return 0; fi
    if [ -S /var/run/docker.sock ] && [ ! -w /var/run/docker.sock ] && pgrep -x dockerd >/dev/null; then
        echo "the container engine runs, but you may not use it: add yourself to the group docker" >&2
        exit 1
    fi
    command -v dockerd >/dev/null || install docker.io iptables
    start_engine
}

case "${1:-}" in
    packages | sanity | browser | engine) "$1" ;;
    *) sed -n '2,9p' "$0" >&2; exit 2 ;;
esac
