"""A service for a Kanca webhook, with nothing but Python's standard library.

It checks the signature, looks at what the visitor wrote, and answers; Kanca's bot says the answer in the chat.
Start it with the webhook's secret:  WEBHOOK_SECRET=whsec_… python3 service.py [port]
"""
import base64, hashlib, hmac, json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].replace("whsec_", "", 1))
ORDERS = {"1042": "on its way", "2001": "being packed"}


class Service(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        event_id, sent_at = self.headers.get("webhook-id", ""), self.headers.get("webhook-timestamp", "0")
        signed = f"{event_id}.{sent_at}.".encode() + body  # the exact bytes, before any parsing
        signature = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        given = self.headers.get("webhook-signature", "").split()
        fresh = sent_at.isdigit() and abs(time.time() - int(sent_at)) < 300
        if not fresh or not any(hmac.compare_digest(signature.encode(), one.encode()) for one in given):
            return self.answer(401, {"error": "the signature is not right"})
        event = json.loads(body)
        text = (event["data"].get("message") or {}).get("text", "").strip()
        print(f"{event['type']} {text}\n", end="", flush=True)
        if event["type"] != "conversation.webhook":
            return self.answer(200, {})  # every other event is only noted
        status = ORDERS.get(text, "not known here")
        said = f"Order {text} is {status}."
        self.answer(200, {"messages": [{"type": "text", "text": said}], "attributes": {"order_status": status}})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9000), Service)
    print("listening on port", server.server_port, flush=True)
    server.serve_forever()
