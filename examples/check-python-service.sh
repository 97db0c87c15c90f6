#!/usr/bin/env bash
# Does the Python service work with a real Kanca? Starts both, joins them by a webhook and a scenario, talks to the bot
# and looks for the service's answer in the chat: check-python-service.sh [BINARY]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
binary=$(realpath "${1:-$here/../target/debug/kanca}")
. "$here/start-kanca.sh"
passed=0
answer=$workdir/answer.json

check() {
    if [ "$2" != "$3" ]; then
        printf 'FAILED: %s: expected “%s”, got “%s”\n' "$1" "$2" "$3" >&2
        cat "$answer" "$workdir/service.out" >&2
        printf 'Python service: %d passed, 1 failed\n' "$passed"
        exit 1
    fi
    passed=$((passed + 1))
    printf '  ok  %s\n' "$1"
}

# call TOKEN METHOD PATH [FILE]: the answer goes to $answer, the status is printed
call() {
    local body=()
    [ -z "${4:-}" ] || body=(-H 'Content-Type: application/json' --data-binary "@$4")
    curl -sS -o "$answer" -w '%{http_code}' -X "$2" -H "Authorization: Bearer $1" "${body[@]}" "$KANCA_URL$3"
}

# field KEY…: a value of the last answer
field() {
    python3 -c 'import json, sys
v = json.load(open(sys.argv[1], encoding="utf-8"))
for key in sys.argv[2:]: v = v[key]
print(v)' "$answer" "$@"
}

# say ID TEXT, then wait until the bot has said EXPECTED
say_and_hear() {
    python3 -c 'import json, sys; print(json.dumps({"client_id": sys.argv[1], "text": sys.argv[2]}))' "$1" "$2" >"$workdir/said.json"
    check "“$2” is taken" 200 "$(call "$token" POST "/chat/v1/conversations/$conversation/messages" "$workdir/said.json")"
    local heard=no
    for _ in $(seq 100); do
        call "$token" GET "/chat/v1/conversations/$conversation/messages" >/dev/null
        heard=$(python3 -c 'import json, sys
v = json.load(open(sys.argv[1], encoding="utf-8"))
print("yes" if any(m["text"] == sys.argv[2] and m["from"] == "bot" for m in v["items"]) else "no")' "$answer" "$3")
        [ "$heard" = no ] || break
        sleep 0.1
    done
    check "the bot says “$3”" yes "$heard"
}

secret=whsec_$(openssl rand -base64 32)
WEBHOOK_SECRET=$secret python3 "$here/python-service/service.py" 0 >"$workdir/service.out" 2>&1 &
service=$!
port=
for _ in $(seq 100); do
    port=$(sed -n 's/^listening on port //p' "$workdir/service.out")
    [ -z "$port" ] || break
    sleep 0.1
done
start_kanca "$binary" KANCA_ALLOW_PRIVATE_NETWORKS=127.0.0.0/8
started+=("$service")

printf '{}' >"$answer"
check 'the service refuses what is not signed' 401 \
    "$(curl -sS -o "$answer" -w '%{http_code}' --data '{"type":"x","data":{}}' "http://127.0.0.1:$port/")"
printf '{"name":"Service","url":"http://127.0.0.1:%s/","event_types":["message.*"],"secret":"%s"}' "$port" "$secret" >"$workdir/endpoint.json"
check 'a webhook to the service is created' 201 "$(call "$KANCA_API_KEY" POST /api/v1/endpoints "$workdir/endpoint.json")"
endpoint=$(field id)
printf '{"name":"Orders"}' >"$workdir/bot.json"
check 'a bot is created' 201 "$(call "$KANCA_API_KEY" POST /api/v1/bots "$workdir/bot.json")"
bot=$(field id)
python3 -c 'import json, sys
draft = json.load(open(sys.argv[1], encoding="utf-8"))
name = draft.pop("name")
next(b for b in draft["blocks"] if b["type"] == "webhook")["endpoint_id"] = sys.argv[2]
print(json.dumps({"name": name, "draft": draft}))' "$here/python-service/scenario.json" "$endpoint" >"$workdir/scenario.json"
check 'its scenario is created' 201 "$(call "$KANCA_API_KEY" POST "/api/v1/bots/$bot/scenarios" "$workdir/scenario.json")"
scenario=$(field id)
check 'and published' 200 "$(call "$KANCA_API_KEY" POST "/api/v1/scenarios/$scenario/publish")"
printf '{"bot":"%s"}' "$bot" >"$workdir/start.json"
check 'a visitor opens the chat' 201 "$(call none POST /chat/v1/conversations "$workdir/start.json")"
conversation=$(field id)
token=$(field token)
say_and_hear m1 1042 'Order 1042 is on its way.'
say_and_hear m2 9 'Order 9 is not known here.'
say_and_hear m3 2001 '(kept as an attribute: being packed)'
told=no
for _ in $(seq 100); do
    ! grep -q '^message.received 2001' "$workdir/service.out" || told=yes
    [ "$told" = no ] || break
    sleep 0.1
done
check 'the service was told of every message, too' yes "$told"
printf 'Python service: %d passed, 0 failed\n' "$passed"
