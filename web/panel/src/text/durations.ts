/**
 * Lengths of time as people write them: "5 s", "30 min", "2 h", "5 days", in either language whatever the panel's own,
 * and lists of them for retry schedules. Values are whole seconds, as the API has them.
 */
import type { Language } from '../i18n';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** When Kanca tries again unless something else is set: the example of the Standard Webhooks specification. */
export const DEFAULT_SCHEDULE: readonly number[] = [0, 5, 5 * MINUTE, HOUR / 2, ...[2, 5, 10, 14, 20, 24].map((hours) => hours * HOUR)];

const UNITS: [seconds: number, words: RegExp][] = [
  [1, /^(s|sec|secs|seconds?|sn|saniye)$/],
  [MINUTE, /^(m|min|mins|minutes?|dk|dakika)$/],
  [HOUR, /^(h|hr|hrs|hours?|sa|saat)$/],
  [DAY, /^(d|days?|g|gün|gun)$/],
];

/** The seconds in a text such as "1.5 h"; a bare number is seconds. Null when it is no whole number of seconds. */
export function readDuration(text: string): number | null {
  const [, digits, word] = /^(\d{1,9}(?:\.\d{1,3})?)\s*([a-zü]*)\.?$/.exec(text.trim().toLowerCase()) ?? [];
  if (digits === undefined) return null;
  const unit = word ? UNITS.find(([, words]) => words.test(word))?.[0] : 1;
  if (unit === undefined) return null;
  const seconds = Math.round(Number(digits) * unit * 1000) / 1000;
  return Number.isInteger(seconds) ? seconds : null;
}

/** A list of durations, separated by commas, semicolons or lines, or the first part that is none. */
export function readSchedule(text: string): { seconds: number[] } | { wrong: string } {
  const parts = text.split(/[,;\n]/).map((part) => part.trim()).filter(Boolean);
  const seconds: number[] = [];
  for (const part of parts) {
    const value = readDuration(part);
    if (value === null) return { wrong: part };
    seconds.push(value);
  }
  return { seconds };
}

const NAMES: Record<Language, [second: string, minute: string, hour: string, day: string]> = {
  en: ['s', 'min', 'h', 'days'],
  tr: ['sn', 'dk', 'sa', 'gün'],
};

/** Seconds in the largest unit that leaves nothing over: "90 s", "30 min", "24 h", "5 days". */
export function durationText(seconds: number, lang: Language): string {
  const [second, minute, hour, day] = NAMES[lang];
  if (seconds > DAY && seconds % DAY === 0) return `${seconds / DAY} ${day}`;
  if (seconds > 0 && seconds % HOUR === 0) return `${seconds / HOUR} ${hour}`;
  if (seconds > 0 && seconds % MINUTE === 0) return `${seconds / MINUTE} ${minute}`;
  return `${seconds} ${second}`;
}

/** Seconds rounded to what tells something: "3 days" rather than "271505 s", "5 min" rather than "301 s"; at least one. */
export function roundedDuration(seconds: number): number {
  const unit = [DAY, HOUR, MINUTE].find((one) => seconds >= 2 * one) ?? 1;
  return Math.max(1, Math.round(seconds / unit) * unit);
}

/** A schedule as `readSchedule` takes it. */
export function scheduleText(seconds: readonly number[], lang: Language): string {
  return seconds.map((one) => durationText(one, lang)).join(', ');
}
