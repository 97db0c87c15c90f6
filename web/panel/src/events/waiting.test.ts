import { expect, test } from 'vitest';
import { waitingText } from './waiting';

const now = Date.parse('2026-11-24T09:00:00Z');

test('a delivery says what it waits for, and until when', () => {
  const text = waitingText({ reason: 'schedule', until: '2026-11-24T09:05:00Z', behind: null }, now, 'en');
  expect(text).toBe('Waits for its next attempt, in 5 min.');
});

test('a time that is over is not told', () => {
  const text = waitingText({ reason: 'breaker', until: '2026-11-24T08:00:00Z', behind: null }, now, 'en');
  expect(text).not.toMatch(/ago/);
});
