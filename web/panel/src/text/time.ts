/** Times and sizes in words. Inputs are RFC 3339 texts, milliseconds, microseconds or bytes, as the names say. */

const STEPS: [limitSeconds: number, unit: Intl.RelativeTimeFormatUnit, seconds: number][] = [
  [60, 'second', 1],
  [3600, 'minute', 60],
  [86_400, 'hour', 3600],
  [7 * 86_400, 'day', 86_400],
];

/** "5 sec. ago", "in 2 min."; older or later than a week becomes a date. */
export function relativeTime(at: string, nowMs: number, lang: string): string {
  const seconds = (Date.parse(at) - nowMs) / 1000;
  const format = new Intl.RelativeTimeFormat(lang, { numeric: 'auto', style: 'short' });
  if (Math.abs(seconds) < 5) return format.format(0, 'second');
  for (const [limit, unit, size] of STEPS) {
    if (Math.abs(seconds) < limit) return format.format(Math.trunc(seconds / size), unit);
  }
  return new Intl.DateTimeFormat(lang, { dateStyle: 'medium' }).format(Date.parse(at));
}

/** The exact local time with milliseconds, for titles and detail pages. */
export function absoluteTime(at: string, lang: string): string {
  return new Intl.DateTimeFormat(lang, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hourCycle: 'h23',
  }).format(Date.parse(at));
}

/** "340 µs", "12.5 ms", "1.20 s". */
export function durationUs(us: number, lang: string): string {
  const number = (value: number, digits: number) => new Intl.NumberFormat(lang, { maximumFractionDigits: digits }).format(value);
  if (us < 1000) return `${number(us, 0)} µs`;
  if (us < 1_000_000) return `${number(us / 1000, us < 100_000 ? 1 : 0)} ms`;
  return `${number(us / 1_000_000, 2)} s`;
}

/** Bytes in binary units: "512 B", "1.5 KiB". */
export function byteSize(bytes: number, lang: string): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${new Intl.NumberFormat(lang, { maximumFractionDigits: unit === 0 ? 0 : 1 }).format(value)} ${units[unit]}`;
}
