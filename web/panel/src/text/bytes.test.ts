import { expect, test } from 'vitest';
import { asText, fromBase64, hexRows } from './bytes';

test('UTF-8 becomes text, anything else does not', () => {
  expect(asText(fromBase64('xLBzdGFuYnVs'))).toBe('İstanbul');
  expect(asText(new Uint8Array([0xff, 0xfe]))).toBeNull();
  expect(asText(new Uint8Array([65, 0, 66]))).toBeNull();
});

test('a hex dump shows offset, bytes and printable characters', () => {
  const rows = hexRows(new TextEncoder().encode('<script>alert(1)\n'), 4096);
  expect(rows).toEqual([
    { offset: '00000000', hex: '3c 73 63 72 69 70 74 3e  61 6c 65 72 74 28 31 29', text: '<script>alert(1)' },
    { offset: '00000010', hex: `0a${' '.repeat(46)}`, text: '·' },
  ]);
});

test('a hex dump stops at its limit', () => {
  expect(hexRows(new Uint8Array(100), 32)).toHaveLength(2);
});
