#!/usr/bin/env bash
# Kanca with nothing but curl: an inbox, a webhook, an event, its delivery, what arrived, and a talk with the demo bot.
#
#   KANCA_URL=http://127.0.0.1:8080 KANCA_API_KEY=… examples/walkthrough.sh
#
# The key is the one that Kanca was started with (KANCA_API_KEY), or one from the panel's settings. Everything that is
# made is removed at the end. Every answer is checked; the script stops at the first that is wrong.
# JSON is read with python3, the signature is worked out with openssl.
set -euo pipefail

: "${KANCA_URL:?set KANCA_URL to the address of Kanca, such as http://127.0.0.1:8080}"
: "${KANCA_API_KEY:?set KANCA_API_KEY to a key of Kanca}"
passed=0
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

fail() {
    printf 'FAILED: %s\n%s\n' "$1" "$(cat "$answer")" >&2
    printf 'walk-through: %d passed, 1 failed\n' "$passed"
    exit 1
}

# check WHAT EXPECTED ACTUAL
check() {
    [ "$2" = "$3" ] || fail "$1: expected “$2”, got “$3”"
    passed=$((passed + 1))
    printf '  ok  %s\n' "$1"
}

# call KEY METHOD PATH [JSON] [HEADER]: the body goes to $answer, the status is printed
call() {
    local arguments=(-sS -o "$answer" -w '%{http_code}' -X "$2" -H "Authorization: Bearer $1")
    [ -z "${4:-}" ] || arguments+=(-H 'Content-Type: application/json' --data "$4")
    [ -z "${5:-}" ] || arguments+=(-H "$5")
    curl "${arguments[@]}" "$KANCA_URL$3"
}

api() { call "$KANCA_API_KEY" "$@"; }

# field EXPRESSION: a value of the last answer, as Python finds it in `v`
field() {
    python3 -c 'import json, sys
v = json.load(open(sys.argv[1], encoding="utf-8"))
found = eval(sys.argv[2])
print(found if isinstance(found, str) else json.dumps(found))' "$answer" "$1"
}

# until_true WHAT EXPRESSION CALL…: repeats a call for at most 10 seconds
until_true() {
    local what=$1 expression=$2
    shift 2
    for _ in $(seq 50); do
        "$@" >/dev/null
        if [ "$(field "$expression")" = true ]; then
            check "$what" true true
            return
        fi
        sleep 0.2
    done
    fail "$what: not within 10 seconds"
}

echo '1. An inbox: an address that receives'
check 'an inbox is created' 201 "$(api POST /api/v1/inboxes '{"name":"Walk-through","response":{"status":202,"body":"{\"seen\":true}"}}')"
inbox=$(field 'v["id"]')
inbox_url=$(field 'v["url"]')
check 'it answers whatever comes, as it was told to' 202 \
    "$(curl -sS -o "$answer" -w '%{http_code}' -X PUT -H 'X-Tag: one' -H 'X-Tag: two' --data 'any bytes' "$inbox_url/some/path?q=1")"
check 'with the configured body' true "$(field 'v["seen"]')"
check 'the request is there' 200 "$(api GET "/api/v1/inboxes/$inbox/requests")"
check 'with its method' PUT "$(field 'v["items"][0]["method"]')"
request=$(field 'v["items"][0]["id"]')
api GET "/api/v1/inboxes/$inbox/requests/$request" >/dev/null
check 'with its path and query' true "$(field 'v["target"].endswith("/some/path?q=1")')"
check 'with every header, repeated ones apart' '["one", "two"]' "$(field '[value for name, value in v["headers"] if name == "X-Tag"]')"

echo '2. A webhook (endpoint) that points to it'
check 'a webhook is created' 201 \
    "$(api POST /api/v1/endpoints "{\"name\":\"Walk-through\",\"url\":\"$inbox_url\",\"event_types\":[\"order.*\"]}")"
endpoint=$(field 'v["id"]')
secret=$(field 'v["secret"]')

echo '3. An event'
idempotency="Idempotency-Key: walk-through-$(openssl rand -hex 8)"
event='{"type":"order.paid","data":{"id":7,"total":19.90},"ordering_key":"order-7"}'
check 'an event is accepted' 202 "$(api POST /api/v1/events "$event" "$idempotency")"
event_id=$(field 'v["id"]')
check 'the same key again publishes nothing twice' 200 "$(api POST /api/v1/events "$event" "$idempotency")"
check 'and gives the same answer' "$event_id" "$(field 'v["id"]')"
check 'the same key for another event is refused' 409 \
    "$(api POST /api/v1/events '{"type":"order.paid","data":{"id":8}}' "$idempotency")"
check 'an event that nobody wants is accepted, too' 202 "$(api POST /api/v1/events '{"type":"user.registered","data":{"id":1}}')"
other=$(field 'v["id"]')
api GET "/api/v1/events/$other" >/dev/null
check 'and says why it went nowhere' true "$(field 'len(v["explanation"]) > 0')"
printf '      “%s”\n' "$(field 'v["explanation"][0]["reason"]')"

echo '4. Its delivery'
until_true 'the event is delivered' '[d["status"] for d in v["items"]] == ["delivered"]' api GET "/api/v1/deliveries?event_id=$event_id"
delivery=$(field 'v["items"][0]["id"]')
check 'the delivery shows its attempts' 200 "$(api GET "/api/v1/deliveries/$delivery")"
check 'with what the receiver answered' 202 "$(field 'v["attempts"][0]["response"]["status"]')"

echo '5. What arrived'
api GET "/api/v1/inboxes/$inbox/requests" >/dev/null
check 'the inbox has it, with a valid signature' valid "$(field 'v["items"][0]["signature"]')"
request=$(field 'v["items"][0]["id"]')
api GET "/api/v1/inboxes/$inbox/requests/$request" >/dev/null
header() { field "dict((n.lower(), x) for n, x in v[\"headers\"])[\"$1\"]"; }
check 'webhook-id is the id of the event' "$event_id" "$(header webhook-id)"
check 'the number is spelled as it was published' true "$(field '"19.90" in __import__("base64").b64decode(v["body"]).decode()')"
key=$(printf %s "${secret#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
signature=$({ printf '%s.%s.' "$event_id" "$(header webhook-timestamp)"; field 'v["body"]' | openssl base64 -d -A; } |
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)
check 'the signature is what openssl makes of secret, id, time and body' "v1,$signature" "$(header webhook-signature)"

echo '6. The same delivery once more'
check 'a retry is taken' 202 "$(api POST "/api/v1/deliveries/$delivery/retry")"
until_true 'it arrives a second time' 'len(v["attempts"]) == 2 and v["status"] == "delivered"' api GET "/api/v1/deliveries/$delivery"
until_true 'under the same webhook-id' 'v["request_count"] == 3' api GET "/api/v1/inboxes/$inbox"

echo '7. A talk with the demo bot'
check 'the demo is there' 200 "$(api GET /api/v1/overview)"
if [ "$(field 'v["demo"] is None')" = true ]; then
    echo '  --  the demo bot was deleted; this part is left out'
else
    bot=$(field 'v["demo"]["bot_id"]')
    demo_inbox=$(field 'v["demo"]["inbox_id"]')
    check 'a conversation starts without any key' 201 "$(call none POST /chat/v1/conversations "{\"bot\":\"$bot\"}")"
    conversation=$(field 'v["id"]')
    token=$(field 'v["token"]')
    messages="/chat/v1/conversations/$conversation/messages"
    check 'the bot greets' 200 "$(call "$token" GET "$messages")"
    check 'and offers choices' true "$(field 'any(m["type"] == "choices" for m in v["items"])')"
    check 'a message is taken' 200 "$(call "$token" POST "$messages" '{"client_id":"m1","text":"Where is my order?"}')"
    seq=$(field 'v["seq"]')
    check 'the same message again gives the same answer' 200 \
        "$(call "$token" POST "$messages" '{"client_id":"m1","text":"Where is my order?"}')"
    check 'and is there once' "$seq" "$(field 'v["seq"]')"
    check 'an order number is taken' 200 "$(call "$token" POST "$messages" '{"client_id":"m2","text":"1042"}')"
    until_true "the webhook's answer is said in the chat" \
        'any("So says the webhook" in m["text"] for m in v["items"] if m["from"] == "bot")' call "$token" GET "$messages?after=$seq"
    check 'nobody reads it with another token' 401 "$(call another GET "$messages")"
    until_true 'the conversation has fallen into the demo inbox' 'v["request_count"] >= 5' api GET "/api/v1/inboxes/$demo_inbox"
    check 'and stands in the panel' 200 "$(api GET "/api/v1/conversations/$conversation")"
fi

echo '8. Clean up'
check 'the webhook is deleted' 204 "$(api DELETE "/api/v1/endpoints/$endpoint")"
check 'the inbox is deleted' 204 "$(api DELETE "/api/v1/inboxes/$inbox")"
printf 'walk-through: %d passed, 0 failed\n' "$passed"
