/** A webhook's last hour, from the API's minutes to what charts and their summary need. */
import type { EndpointStats, MinuteStats } from '../api/models';

export interface ChartData {
  /** The beginnings of the minutes, in seconds since 1970. */
  at: number[];
  delivered: number[];
  failed: number[];
  /** Successful attempts of a hundred; null in minutes without any. */
  success: (number | null)[];
  p50: (number | null)[];
  p95: (number | null)[];
}

export function chartData({ items }: EndpointStats): ChartData {
  return {
    at: items.map((minute) => Date.parse(minute.at) / 1000),
    delivered: items.map((minute) => minute.delivered),
    failed: items.map((minute) => minute.failed),
    success: items.map(successOf),
    p50: items.map((minute) => minute.p50_ms),
    p95: items.map((minute) => minute.p95_ms),
  };
}

export function successOf({ attempts, delivered }: MinuteStats): number | null {
  return attempts === 0 ? null : (delivered / attempts) * 100;
}

export interface Summary {
  attempts: number;
  failed: number;
  /** Successful attempts of a hundred; rounded down, so that one failure among many is never "100 %". */
  success: number;
  /** The slowest minute: 95 of 100 attempts took at most so long. */
  p95_ms: number;
}

/** The hour in a sentence's worth of numbers; null when nothing was attempted. */
export function summaryOf({ items }: EndpointStats): Summary | null {
  const attempts = items.reduce((sum, minute) => sum + minute.attempts, 0);
  if (attempts === 0) return null;
  const failed = items.reduce((sum, minute) => sum + minute.failed, 0);
  const success = Math.floor(((attempts - failed) / attempts) * 100);
  return { attempts, failed, success, p95_ms: Math.max(...items.map((minute) => minute.p95_ms ?? 0)) };
}
