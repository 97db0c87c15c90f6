import { expect, test } from 'vitest';
import type { AttemptTimings } from '../api/models';
import { waterfall } from './timings';

const timings = (part: Partial<AttemptTimings>): AttemptTimings => ({
  dns_us: null,
  connect_us: null,
  tls_us: null,
  first_byte_us: null,
  total_us: 1000,
  remote: null,
  reused: false,
  ...part,
});
const told = (part: Partial<AttemptTimings>) => waterfall(timings(part)).map((bar) => [bar.part, bar.us, bar.from, bar.length]);

test('parts follow one another, and the rest ends with the whole', () => {
  expect(told({ dns_us: 100, connect_us: 200, tls_us: 300, first_byte_us: 250 })).toEqual([
    ['dns', 100, 0, 100],
    ['connect', 200, 100, 200],
    ['tls', 300, 300, 300],
    ['firstByte', 250, 600, 250],
    ['rest', 150, 850, 150],
  ]);
});

test('a connection that was used again has neither look-up nor connect', () => {
  expect(told({ reused: true, first_byte_us: 900 })).toEqual([
    ['firstByte', 900, 0, 900],
    ['rest', 100, 900, 100],
  ]);
});

test('an attempt that got no answer ends where it ended', () => {
  expect(told({ dns_us: 10, connect_us: 990 })).toEqual([
    ['dns', 10, 0, 10],
    ['connect', 990, 10, 990],
  ]);
  expect(told({ total_us: 0 })).toEqual([]);
});

test('parts that add up to more than the whole stay within it', () => {
  for (const [, , from, length] of told({ dns_us: 800, connect_us: 800 }) as [string, number, number, number][]) {
    expect(from + length).toBeLessThanOrEqual(1004);
  }
});
