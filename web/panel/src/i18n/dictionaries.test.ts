import { describe, expect, test } from 'vitest';
import { fill } from './language.svelte';

type Dictionary = Record<string, string>;
const english = import.meta.glob<Dictionary>(['./en.ts', '../*/i18n/en.ts'], { eager: true, import: 'default' });
const turkish = import.meta.glob<Dictionary>(['./tr.ts', '../*/i18n/tr.ts'], { eager: true, import: 'default' });
const placesOf = (text: string) => [...text.matchAll(/\{(\w+)/g)].map((match) => match[1]).sort();

describe('every folder speaks both languages', () => {
  for (const [file, en] of Object.entries(english)) {
    const tr = turkish[file.replace(/en\.ts$/, 'tr.ts')];

    test(`${file} has a Turkish twin with the same keys`, () => {
      expect(tr && Object.keys(tr).sort()).toEqual(Object.keys(en).sort());
    });

    test(`${file} has no empty text and the same places in both languages`, () => {
      for (const [key, text] of Object.entries(en)) {
        const twin = tr?.[key] ?? '';
        expect(text.trim(), `${key} in English`).not.toBe('');
        expect(twin.trim(), `${key} in Turkish`).not.toBe('');
        expect([...new Set(placesOf(twin))], key).toEqual([...new Set(placesOf(text))]);
      }
    });
  }
});

describe('filling a text in', () => {
  test('takes the singular and plural of the language', () => {
    expect(fill('{n} {n|request|requests}', { n: 1 }, 'en')).toBe('1 request');
    expect(fill('{n} {n|request|requests}', { n: 1234 }, 'en')).toBe('1,234 requests');
    expect(fill('{n} istek', { n: 1234 }, 'tr')).toBe('1.234 istek');
  });

  test('leaves an unknown place visible', () => {
    expect(fill('Hello {who}', {}, 'en')).toBe('Hello {who}');
  });

  test('does not read places out of a value', () => {
    expect(fill('Hello {who}', { who: '{n}', n: 3 }, 'en')).toBe('Hello {n}');
  });
});
