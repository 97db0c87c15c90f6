/**
 * JSON laid out for reading without parsing it into values, so that long numbers, the order of keys and escapes
 * stay exactly as they were sent.
 */
import type { Token } from './tokens';

const LEXEME = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]/g;

interface Lexeme {
  text: string;
  start: number;
  end: number;
}

function lexemes(text: string): Lexeme[] | null {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  return [...text.matchAll(LEXEME)].map((match) => ({
    text: match[0],
    start: match.index,
    end: match.index + match[0].length,
  }));
}

/** The text indented by two spaces, or null when it is not JSON. */
export function prettyJson(text: string): Token[] | null {
  const parts = lexemes(text);
  if (!parts) return null;
  const out: Token[] = [];
  let depth = 0;
  const line = () => out.push({ kind: 'plain', text: `\n${'  '.repeat(depth)}` });
  parts.forEach(({ text: part }, index) => {
    const next = parts[index + 1]?.text;
    if (part === '{' || part === '[') {
      out.push({ kind: 'punctuation', text: part });
      if (next === '}' || next === ']') return;
      depth += 1;
      line();
    } else if (part === '}' || part === ']') {
      const previous = parts[index - 1]?.text;
      if (previous !== '{' && previous !== '[') {
        depth -= 1;
        line();
      }
      out.push({ kind: 'punctuation', text: part });
    } else if (part === ',') {
      out.push({ kind: 'punctuation', text: part });
      line();
    } else if (part === ':') {
      out.push({ kind: 'punctuation', text: ': ' });
    } else if (part.startsWith('"')) {
      out.push({ kind: next === ':' ? 'key' : 'string', text: part });
    } else {
      out.push({ kind: /^[tfn]/.test(part) ? 'literal' : 'number', text: part });
    }
  });
  return out;
}

/** The source text of one member of a JSON object, exactly as written; null when there is none. */
export function memberText(text: string, name: string): string | null {
  const parts = lexemes(text);
  if (!parts || parts[0]?.text !== '{') return null;
  let depth = 0;
  let from: number | null = null;
  for (const [index, part] of parts.entries()) {
    if (part.text === '}' || part.text === ']') depth -= 1;
    const ends = (depth === 1 && part.text === ',') || depth === 0;
    if (from !== null && ends && index > 0) return text.slice(from, parts[index - 1]?.end);
    if (part.text === '{' || part.text === '[') depth += 1;
    if (depth === 1 && from === null && part.text === ':' && parts[index - 1]?.text === JSON.stringify(name)) {
      from = parts[index + 1]?.start ?? null;
    }
  }
  return null;
}

/** An object as JSON with further members, whose values are the texts given. */
export function withMembers(object: Record<string, unknown>, texts: Record<string, string>): string {
  const members = JSON.stringify(object).slice(1, -1);
  const further = Object.entries(texts).map(([name, text]) => `${JSON.stringify(name)}:${text}`);
  return `{${[members, ...further].filter(Boolean).join(',')}}`;
}
