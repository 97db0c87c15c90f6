import { expect, test } from 'vitest';
import { given, toInstant, toLocal } from './times';

test('a local time leads to the same moment and back', () => {
  const at = new Date(2026, 10, 24, 9, 5);
  expect(toLocal(at)).toBe('2026-11-24T09:05');
  expect(toInstant(toLocal(at))).toBe(at.toISOString());
});

test('an empty or broken field is no time', () => {
  expect(toInstant('')).toBe('');
  expect(toInstant('yesterday')).toBe('');
});

test('only what is given is sent', () => {
  expect(given({ status: 'failed', event_type: '', since: '' })).toEqual({ status: 'failed' });
});
