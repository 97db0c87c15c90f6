import { expect, test } from 'vitest';
import { keepOf, readDays } from './retention';

test('a choice and its value stand for one another', () => {
  for (const days of [null, 0, 1, 30, 3650]) expect(readDays(keepOf(days), String(days))).toBe(days);
});

test('what is no number of days cannot be set', () => {
  for (const text of ['', '0', '-1', '1.5', '3651', 'a week', '99999']) expect(readDays('days', text)).toBeUndefined();
});
