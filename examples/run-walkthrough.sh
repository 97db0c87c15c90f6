#!/usr/bin/env bash
# Runs walkthrough.sh against a binary of its own: run-walkthrough.sh [BINARY]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
binary=$(realpath "${1:-$here/../target/debug/kanca}")
. "$here/start-kanca.sh"
start_kanca "$binary"
KANCA_URL=$KANCA_URL KANCA_API_KEY=$KANCA_API_KEY "$here/walkthrough.sh"
