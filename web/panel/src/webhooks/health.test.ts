import { expect, test } from 'vitest';
import { failingText, waitingText } from './health';

const now = Date.parse('2026-11-24T09:00:00Z');

test('a webhook says why nothing is sent, and until when', () => {
  const waiting = (reason: string, until: string | null) => waitingText({ waiting: { reason, until } }, now, 'en');
  expect(waiting('retry_after', '2026-11-24T09:05:00Z')).toBe('The receiver asked for a pause; next attempt in 5 min.');
  expect(waiting('breaker', null)).toBe('It failed too often in a row, so one attempt at a time finds out whether it is back.');
  expect(waiting('rate_limit', '2026-11-24T08:59:00Z')).toBe('Its rate limit is used up.');
  expect(waiting('something new', null)).toBeNull();
  expect(waitingText({ waiting: null }, now, 'en')).toBeNull();
});

test('a webhook that only fails says since when', () => {
  expect(failingText({ failing_since: '2026-11-24T07:00:00Z' }, now, 'en')).toBe('All attempts have failed for 2 h.');
  expect(failingText({ failing_since: null }, now, 'en')).toBeNull();
});
