# What the other scripts here share: saying, stopping, and doing a thing without its chatter.
# Sourced, not run.

say() { printf '%s\n' "$*" >&2; }

stop() {
    say "$*"
    exit 1
}

# Runs a command unseen; if it fails, shows everything it said.
quietly() {
    local said
    said=$(mktemp)
    if "$@" >"$said" 2>&1 </dev/null; then
        rm -f "$said"
        return 0
    fi
    cat "$said" >&2
    rm -f "$said"
    return 1
}

# Tells whether Debian packages may be installed here without asking anybody.
may_install() {
    command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }
}

apt_get() {
    local as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
}

# Package lists may be missing on a fresh machine or old on another, so a first failure is not told.
install_from_debian() {
    apt_get install "$@" >/dev/null 2>&1 </dev/null || { quietly apt_get update && quietly apt_get install "$@"; }
}
