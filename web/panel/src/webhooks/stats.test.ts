import { expect, test } from 'vitest';
import type { EndpointStats } from '../api/models';
import { chartData, summaryOf } from './stats';

const minute = (at: string, delivered: number, failed: number, p95_ms: number | null) => ({
  at,
  attempts: delivered + failed,
  delivered,
  failed,
  p50_ms: p95_ms,
  p95_ms,
});
const stats: EndpointStats = {
  since: '2026-01-01T00:00:00Z',
  items: [
    minute('2026-01-01T10:00:00Z', 998, 1, 20),
    minute('2026-01-01T10:01:00Z', 0, 0, null),
    minute('2026-01-01T10:02:00Z', 1, 1, 900),
  ],
};

test('minutes without attempts have neither a share of success nor a latency', () => {
  const data = chartData(stats);
  expect(data.at.map((at, index) => at - data.at[0]! - index * 60)).toEqual([0, 0, 0]);
  expect(data.success.map((one) => one && Math.round(one))).toEqual([100, null, 50]);
  expect(data.p95).toEqual([20, null, 900]);
  expect(data.delivered).toEqual([998, 0, 1]);
});

test('the summary adds up, and a failure is never rounded away', () => {
  expect(summaryOf(stats)).toEqual({ attempts: 1001, failed: 2, success: 99, p95_ms: 900 });
  expect(summaryOf({ since: stats.since, items: [stats.items[1]!] })).toBeNull();
});
