// Searching short lists as people type: case and Turkish dots do not matter, every word must occur.

export function folded(text: string): string {
  return text
    .replace(/[İIı]/g, 'i')
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '');
}

export function matches(query: string, ...texts: string[]): boolean {
  const whole = folded(texts.join(' '));
  return folded(query)
    .split(/\s+/)
    .every((word) => whole.includes(word));
}
