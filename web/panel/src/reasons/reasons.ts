/**
 * The server's reasons in the reader's language. The API gives each reason as a code, with what its sentence names, and
 * as an English sentence; that one is shown only for codes that this panel does not know and for what was stored before
 * there were codes.
 */
import type { Attempt, Delivery, Endpoint, Explanation } from '../api/models';
import en from './i18n/en';
import { t } from './i18n';

type Key = keyof typeof en;

export interface Reason {
  text: string;
  /** The technical part, which is in no language or in English: what the network says, an error of a program. */
  detail: string | null;
  /** A piece of a program that the sentence is about. */
  code: string | null;
}

const isKey = (key: string): key is Key => key in en;

/** Why an attempt ended as it did. */
export function attemptReason(attempt: Pick<Attempt, 'reason' | 'reason_code' | 'reason_detail'>): Reason {
  const { reason, reason_code: code, reason_detail: detail } = attempt;
  const key = `attempt.${code}`;
  if (code === 'success' || code === 'http_status') {
    const text = detail ? t(key as Key, { status: detail, advice: t(advice(detail)) }) : reason;
    return { text, detail: null, code: null };
  }
  return isKey(key) ? { text: t(key), detail, code: null } : { text: reason, detail: null, code: null };
}

/** Why a delivery's last attempt ended as it did; null before the first one. */
export function lastReason(delivery: Pick<Delivery, 'last_reason' | 'last_reason_code' | 'last_reason_detail'>): Reason | null {
  const { last_reason: reason, last_reason_code, last_reason_detail: reason_detail } = delivery;
  if (reason === null || last_reason_code === null) return null;
  return attemptReason({ reason, reason_code: last_reason_code, reason_detail });
}

/** Why an endpoint did not get an event, or what else is said of an event. */
export function eventReason({ code, params, reason }: Pick<Explanation, 'code' | 'params' | 'reason'>): Reason {
  const key = `event.${code}`;
  if (!isKey(key)) return { text: reason, detail: null, code: null };
  return { text: t(key, { ...params }), detail: params?.error ?? null, code: params?.filter ?? null };
}

/** Why a webhook is disabled; null when it is not, or nobody knows. */
export function disabledReason(endpoint: Pick<Endpoint, 'disabled_reason' | 'disabled_reason_code'>): string | null {
  const key = `disabled.${endpoint.disabled_reason_code}`;
  return isKey(key) ? t(key) : endpoint.disabled_reason;
}

/** What to do about a status other than 2xx. */
function advice(status: string): Key {
  const code = Number.parseInt(status, 10);
  const own = `status.${code}`;
  if (isKey(own)) return own;
  if (code === 422) return 'status.400';
  if (code === 403) return 'status.401';
  if ([408, 425, 429].includes(code)) return 'status.later';
  if ([502, 503, 504].includes(code)) return 'status.down';
  if (code >= 400 && code < 500) return 'status.refused';
  return code >= 500 && code < 600 ? 'status.failed' : 'status.other';
}
