import { expect, test } from 'vitest';
import { byteSize, durationUs, relativeTime } from './time';

const now = Date.parse('2026-01-10T12:00:00.000Z');

test('near moments are told relative to now, in both languages', () => {
  expect(relativeTime('2026-01-10T11:59:58.000Z', now, 'en')).toBe('now');
  expect(relativeTime('2026-01-10T11:57:10.000Z', now, 'en')).toBe('2 min. ago');
  expect(relativeTime('2026-01-10T12:05:30.000Z', now, 'en')).toBe('in 5 min.');
  expect(relativeTime('2026-01-10T09:00:00.000Z', now, 'tr')).toBe('3 sa. önce');
});

test('moments more than a week away are dates', () => {
  expect(relativeTime('2025-12-01T12:00:00.000Z', now, 'en')).toBe('Dec 1, 2025');
});

test('durations keep the digits that matter', () => {
  expect(durationUs(340, 'en')).toBe('340 µs');
  expect(durationUs(12_460, 'en')).toBe('12.5 ms');
  expect(durationUs(1_204_000, 'tr')).toBe('1,2 s');
});

test('sizes use binary units', () => {
  expect(byteSize(0, 'en')).toBe('0 B');
  expect(byteSize(1536, 'en')).toBe('1.5 KiB');
  expect(byteSize(5 * 1024 * 1024, 'tr')).toBe('5 MiB');
});
