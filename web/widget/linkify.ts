/**
 * Plain text to safe nodes: http and https addresses become links, everything else stays text. Nothing that a bot, an
 * agent or a service answered is ever read as markup.
 */

import { h } from './dom';

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`]+/gi;

/** The attributes of every link that leaves the page. */
export const outside = { target: '_blank', rel: 'noopener noreferrer nofollow' };

/** The address as an absolute http(s) URL, or null for anything else. */
export function safeUrl(address: string): string | null {
  try {
    const url = new URL(address);
    return /^https?:$/.test(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** The nodes for a text: text nodes and links. Punctuation that ends a sentence is not part of an address. */
export function linkify(text: string): (Node | string)[] {
  const nodes: (Node | string)[] = [];
  let done = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = withoutTail(match[0]);
    const href = safeUrl(address);
    if (!href) continue;
    const start = match.index!;
    nodes.push(text.slice(done, start), h('a', { href, ...outside }, address));
    done = start + address.length;
  }
  nodes.push(text.slice(done));
  return nodes;
}

function withoutTail(address: string): string {
  for (;;) {
    const last = address[address.length - 1]!;
    const unopened = last === ')' && address.split('(').length < address.split(')').length;
    if (!unopened && !/[.,;:!?\]}…»”’*_]/.test(last)) return address;
    address = address.slice(0, -1);
  }
}
