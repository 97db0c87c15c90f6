/** Chooses how to lay a body out: by its content type, else by what it looks like. */
import { prettyJson } from './json';
import type { Token } from './tokens';
import { prettyXml } from './xml';

/** Bodies longer than this many characters are shown as plain text, and only this much of them. */
export const SHOWN_CHARACTERS = 200_000;

/** The laid-out text, or null when there is nothing better than the text itself. */
export function prettyBody(contentType: string | null, text: string): Token[] | null {
  if (text.length > SHOWN_CHARACTERS) return null;
  if (contentType?.toLowerCase().includes('x-www-form-urlencoded')) return prettyForm(text);
  const start = text.trimStart()[0];
  if (start === '<') return prettyXml(text);
  return start === '{' || start === '[' ? prettyJson(text) : null;
}

/** One name and value in each line, decoded. */
function prettyForm(text: string): Token[] {
  const out: Token[] = [];
  for (const [name, value] of new URLSearchParams(text)) {
    if (out.length > 0) out.push({ kind: 'plain', text: '\n' });
    out.push({ kind: 'key', text: name }, { kind: 'punctuation', text: ' = ' }, { kind: 'string', text: value });
  }
  return out;
}
