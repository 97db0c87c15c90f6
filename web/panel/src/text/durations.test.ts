import { expect, test } from 'vitest';
import { DEFAULT_SCHEDULE, durationText, readDuration, readSchedule, scheduleText, roundedDuration } from './durations';

test('durations are read however people write them, in both languages', () => {
  for (const [text, seconds] of [
    ['0', 0],
    ['5 s', 5],
    ['5s', 5],
    ['30 min', 1800],
    ['1.5 h', 5400],
    ['2 Hours', 7200],
    ['5 days', 432_000],
    ['5 sn', 5],
    ['5 dk.', 300],
    ['2 saat', 7200],
    ['3 gün', 259_200],
  ] as const) {
    expect(readDuration(text), text).toBe(seconds);
  }
});

test('what is no duration is refused', () => {
  for (const text of ['', 'x', '5 parsecs', '-5 s', '1.5 s', '1e9', '5 s 3', '12345678901']) expect(readDuration(text), text).toBeNull();
});

test('a schedule is a list, and what is wrong in it is named', () => {
  expect(readSchedule('0 s, 5 s; 5 min\n30 min,')).toEqual({ seconds: [0, 5, 300, 1800] });
  expect(readSchedule(' ')).toEqual({ seconds: [] });
  expect(readSchedule('5 s, soon, later')).toEqual({ wrong: 'soon' });
});

test('what is written can be read again', () => {
  for (const lang of ['en', 'tr'] as const) {
    expect(readSchedule(scheduleText(DEFAULT_SCHEDULE, lang))).toEqual({ seconds: [...DEFAULT_SCHEDULE] });
    for (const seconds of [0, 1, 59, 60, 90, 3600, 86_400, 86_401, 172_800, 604_800]) {
      expect(readDuration(durationText(seconds, lang))).toBe(seconds);
    }
  }
  expect(scheduleText(DEFAULT_SCHEDULE, 'en')).toBe('0 s, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h');
  expect(durationText(432_000, 'tr')).toBe('5 gün');
});

test('a sum is rounded to what tells something', () => {
  const rounded = [0, 45, 119, 301, 7199, 8000, 170_000, 271_505].map((seconds) => durationText(roundedDuration(seconds), 'en'));
  expect(rounded).toEqual(['1 s', '45 s', '119 s', '5 min', '2 h', '2 h', '47 h', '3 days']);
});
