import { expect, test } from 'vitest';

// What the panel shows is hostile: captured requests, visitors' words, services' answers. It is only ever text.
const sources = import.meta.glob<string>(['../**/*.svelte', '../**/*.ts', '!../**/*.test.ts'], {
  eager: true,
  query: '?raw',
  import: 'default',
});
const FORBIDDEN = [/\{@html/, /\.innerHTML\b/, /\.outerHTML\b/, /insertAdjacentHTML/, /document\.write/, /\beval\(/, /new Function\(/];

test('no source of the panel turns text into markup or code', () => {
  expect(Object.keys(sources).length).toBeGreaterThan(50);
  for (const [file, source] of Object.entries(sources)) {
    for (const pattern of FORBIDDEN) expect(pattern.test(source), `${file}: ${pattern}`).toBe(false);
  }
});
