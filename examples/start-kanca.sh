# Sourced by the checks: starts a binary of Kanca on a free port with a throw-away data directory, and stops it (by its
# process id) when the script ends. Sets KANCA_URL and KANCA_API_KEY for the script, without handing them to Kanca.
#   start_kanca BINARY [NAME=VALUE …]     the values become Kanca's environment

stop_all() {
    local pid
    for pid in "${started[@]:-}"; do
        [ -z "$pid" ] || ! kill "$pid" 2>/dev/null || wait "$pid" 2>/dev/null || true
    done
    rm -rf "$workdir"
}

start_kanca() {
    local binary=$1
    shift
    [ -x "$binary" ] || { echo "There is no program $binary; build it with: make binary" >&2; return 1; }
    KANCA_API_KEY=$(openssl rand -hex 24)
    : >"$workdir/kanca.out"
    # Kanca refuses settings it does not know, so it gets a clean set and nothing from the caller's shell.
    env -i PATH="$PATH" HOME="${HOME:-/}" KANCA_API_KEY="$KANCA_API_KEY" KANCA_LOG=warn "$@" \
        "$binary" --listen 127.0.0.1:0 --data-dir "$workdir/data" >"$workdir/kanca.out" 2>"$workdir/kanca.err" &
    started+=("$!")
    KANCA_URL=
    for _ in $(seq 200); do
        KANCA_URL=$(sed -n 's/^Kanca is ready at //p' "$workdir/kanca.out")
        [ -z "$KANCA_URL" ] || return 0
        kill -0 "${started[0]}" 2>/dev/null || break
        sleep 0.1
    done
    echo "Kanca did not start:" >&2
    cat "$workdir/kanca.out" "$workdir/kanca.err" >&2
    return 1
}

started=()
workdir=$(mktemp -d)
trap stop_all EXIT
