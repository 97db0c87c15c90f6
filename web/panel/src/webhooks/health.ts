/** Why nothing goes to a webhook now, and since when it only fails, in words. */
import type { Endpoint } from '../api/models';
import type { Language } from '../i18n';
import { durationText, roundedDuration } from '../text/durations';
import { relativeTime } from '../text/time';
import { t } from './i18n';

const REASONS = ['breaker', 'retry_after', 'rate_limit', 'handshake'] as const;
type Reason = (typeof REASONS)[number];

/** Why nothing is sent now and until when; null when something is, or for a reason that this panel does not know. */
export function waitingText({ waiting }: Pick<Endpoint, 'waiting'>, nowMs: number, lang: string): string | null {
  const reason = REASONS.find((one): one is Reason => one === waiting?.reason);
  if (!waiting || !reason) return null;
  const text = t(`health.${reason}`);
  if (!waiting.until || Date.parse(waiting.until) <= nowMs) return `${text}.`;
  return t('health.until', { text, when: relativeTime(waiting.until, nowMs, lang) });
}

/** Since when all attempts fail; null when they do not. */
export function failingText({ failing_since }: Pick<Endpoint, 'failing_since'>, nowMs: number, lang: Language): string | null {
  if (!failing_since) return null;
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(failing_since)) / 1000));
  return t('health.failing', { time: durationText(roundedDuration(seconds), lang) });
}
