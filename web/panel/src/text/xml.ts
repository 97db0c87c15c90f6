/**
 * XML laid out for reading by its lexemes alone. Nothing is resolved or loaded (no entities, no DTD), so a hostile
 * document is only text. Elements with text inside stay on one line, to keep white space that means something.
 */
import type { Token } from './tokens';

const LEXEME = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>|<![^>]*>|<\/?[^\s<>/!?][^<>]*>|[^<]+/g;
const MAX_DEPTH = 60;

type Kind = 'open' | 'close' | 'single' | 'comment' | 'text';

function kindOf(part: string): Kind {
  if (part.startsWith('<!--')) return 'comment';
  if (part.startsWith('<![CDATA[') || !part.startsWith('<')) return 'text';
  if (part.startsWith('</')) return 'close';
  return part.startsWith('<?') || part.startsWith('<!') || part.endsWith('/>') ? 'single' : 'open';
}

const nameOf = (part: string) => /^<\/?([^\s/>]+)/.exec(part)?.[1] ?? '';

/** The text indented by two spaces, or null when its tags do not nest. */
export function prettyXml(text: string): Token[] | null {
  const source = text.trim();
  const parts = source.match(LEXEME);
  if (!parts || !source.startsWith('<') || parts.join('').length !== source.length) return null;

  const out: Token[] = [];
  const open: { name: string; mixed: boolean }[] = [];
  const line = () => {
    if (out.length > 0) out.push({ kind: 'plain', text: `\n${'  '.repeat(Math.min(open.length, MAX_DEPTH))}` });
  };
  for (const [index, part] of parts.entries()) {
    const kind = kindOf(part);
    const parent = open.at(-1);
    if (kind === 'text') {
      if (part.trim() === '' && !parent?.mixed) continue;
      if (!parent) return null;
      parent.mixed = true;
      out.push({ kind: part.startsWith('<') ? 'literal' : 'string', text: part });
    } else if (kind === 'close') {
      if (parent?.name !== nameOf(part)) return null;
      open.pop();
      const empty = parts[index - 1] !== undefined && kindOf(parts[index - 1] ?? '') === 'open';
      if (!parent.mixed && !empty) line();
      out.push(...tag(part));
    } else {
      if (!parent?.mixed) line();
      if (kind === 'comment') out.push({ kind: 'comment', text: part });
      else out.push(...tag(part));
      if (kind === 'open') open.push({ name: nameOf(part), mixed: mixedAhead(parts, index) });
    }
  }
  return open.length === 0 ? out : null;
}

/** Whether the first thing inside an element is text. */
function mixedAhead(parts: readonly string[], index: number): boolean {
  const next = parts[index + 1];
  return next !== undefined && kindOf(next) === 'text' && next.trim() !== '';
}

/** A tag split into its name and its attributes. */
function tag(part: string): Token[] {
  const head = /^<[/?!]?[^\s/>?]*/.exec(part)?.[0] ?? part;
  const tail = /[/?]?>$/.exec(part)?.[0] ?? '';
  const middle = part.slice(head.length, part.length - tail.length);
  const tokens: Token[] = [{ kind: 'tag', text: head }];
  if (middle) tokens.push({ kind: 'attribute', text: middle });
  if (tail) tokens.push({ kind: 'tag', text: tail });
  return tokens;
}
