import { expect, test } from 'vitest';
import type { CapturedRequestDetail } from '../api/models';
import { curlAgain, curlExample, shellQuote } from './curl';

const captured = (extra: Partial<CapturedRequestDetail>): CapturedRequestDetail => ({
  id: 'req_1',
  inbox_id: 'inb_1',
  received_at: '2026-01-01T00:00:00.000Z',
  method: 'POST',
  target: '/in/demo/a?b=c',
  content_type: 'text/plain',
  size: 0,
  remote_addr: '',
  oversize: false,
  response_status: 200,
  duration_us: 1,
  signature: 'unsigned',
  signature_detail: null,
  event_type: null,
  headers: [],
  body: '',
  ...extra,
});

test('a quote cannot end the argument', () => {
  expect(shellQuote("it's; rm -rf /")).toBe("'it'\\''s; rm -rf /'");
});

test('the example posts JSON to the address', () => {
  expect(curlExample('http://127.0.0.1:8080/in/demo')).toContain("curl -X POST 'http://127.0.0.1:8080/in/demo' \\\n  -H 'content-type");
});

test('a captured request is repeated with its own headers, also repeated ones', () => {
  const request = captured({
    headers: [['Host', 'x'], ['X-A', '1'], ['X-A', "2'"], ['X-Empty', ''], ['Content-Length', '2']],
    body: btoa("a'b"),
  });
  expect(curlAgain(request, 'https://kanca.example/in/demo')).toBe(
    [
      "curl -X 'POST' 'https://kanca.example/in/demo/a?b=c'",
      "-H 'X-A: 1'",
      "-H 'X-A: 2'\\'''",
      "-H 'X-Empty;'",
      "--data-raw 'a'\\''b'",
    ].join(' \\\n  '),
  );
});

test('bytes that are not text make no command', () => {
  expect(curlAgain(captured({ body: btoa('\xff\x00') }), 'https://kanca.example/in/demo')).toBeNull();
});
