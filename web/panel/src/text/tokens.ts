/** A piece of formatted text with what it is, for colouring. Components render it as text in a span. */
export type TokenKind = 'plain' | 'key' | 'string' | 'number' | 'literal' | 'punctuation' | 'tag' | 'attribute' | 'comment';

export interface Token {
  kind: TokenKind;
  text: string;
}

/** The tokens' text alone. */
export function plain(tokens: readonly Token[]): string {
  return tokens.map((token) => token.text).join('');
}
