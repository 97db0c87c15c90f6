/** The advanced settings of a webhook in words, only those that are not the default. */
import type { Endpoint } from '../api/models';
import type { Language } from '../i18n';
import { durationText, scheduleText } from '../text/durations';
import { t } from './i18n';

export function optionFacts(endpoint: Endpoint, lang: Language): { name: string; value: string }[] {
  const facts: { name: string; value: string }[] = [];
  const { retry_schedule, timeout_seconds, rate_limit, max_concurrency, disable_after_seconds, auth, signature, proxy, client_certificate } = endpoint;
  if (retry_schedule) facts.push({ name: t('page.schedule'), value: scheduleText(retry_schedule, lang) });
  if (timeout_seconds) facts.push({ name: t('page.timeout'), value: durationText(timeout_seconds, lang) });
  if (rate_limit) {
    const time = durationText(rate_limit.per_seconds, lang);
    facts.push({ name: t('page.rate'), value: t('page.rateValue', { n: rate_limit.requests, time }) });
  }
  if (max_concurrency) facts.push({ name: t('page.concurrency'), value: String(max_concurrency) });
  if (disable_after_seconds !== null) {
    const time = durationText(disable_after_seconds, lang);
    const value = disable_after_seconds === 0 ? t('options.disableNever') : t('page.disableAfterValue', { time });
    facts.push({ name: t('page.disableAfter'), value });
  }
  if (auth) facts.push({ name: t('page.auth'), value: t(`auth.${auth.type}`) });
  if (signature !== 'v1') facts.push({ name: t('page.signature'), value: t(`signature.${signature}`) });
  if (proxy) facts.push({ name: t('proxy.url'), value: proxy.url });
  if (client_certificate) facts.push({ name: t('certificate.title'), value: client_certificate.subject });
  return facts;
}
