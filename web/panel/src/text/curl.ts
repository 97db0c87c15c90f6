/** Command lines that a developer can paste into a shell. */
import { asText, fromBase64 } from './bytes';
import type { CapturedRequestDetail } from '../api/models';

/** One argument for a POSIX shell, safe whatever it holds. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A first request to try an address with. */
export function curlExample(url: string): string {
  const body = '{"type":"order.paid","data":{"order_no":10442}}';
  return ['curl -X POST ' + shellQuote(url), "-H 'content-type: application/json'", '--data-raw ' + shellQuote(body)].join(' \\\n  ');
}

/** Headers that the client writes by itself. */
const OWN = new Set(['host', 'content-length', 'connection', 'transfer-encoding', 'expect', 'accept-encoding']);

/** Sends a captured request again; null when its body is not text, which no command line carries safely. */
export function curlAgain(request: CapturedRequestDetail, inboxUrl: string): string | null {
  const body = asText(fromBase64(request.body));
  if (body === null) return null;
  const url = new URL(request.target, inboxUrl).href;
  const parts = [`curl -X ${shellQuote(request.method)} ${shellQuote(url)}`];
  for (const [name, value] of request.headers) {
    if (!OWN.has(name.toLowerCase())) parts.push('-H ' + shellQuote(value === '' ? `${name};` : `${name}: ${value}`));
  }
  if (body !== '') parts.push('--data-raw ' + shellQuote(body));
  return parts.join(' \\\n  ');
}
