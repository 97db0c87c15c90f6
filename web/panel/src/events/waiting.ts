/** What a pending delivery waits for, in words. */
import type { DeliveryWaiting } from '../api/models';
import { relativeTime } from '../text/time';
import { t } from './i18n';

export function waitingText(waiting: DeliveryWaiting, nowMs: number, lang: string): string {
  const text = t(`waiting.${waiting.reason}`);
  if (!waiting.until || Date.parse(waiting.until) <= nowMs) return text;
  return t('waiting.until', { text, when: relativeTime(waiting.until, nowMs, lang) });
}
