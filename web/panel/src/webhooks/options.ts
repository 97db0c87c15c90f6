/**
 * The advanced settings of a webhook between the API's shape and what stands in the form's fields: an empty field is
 * the default. What cannot be sent is told by field; what can be wrong beyond that, the server says.
 */
import type { Endpoint } from '../api/models';
import type { Language } from '../i18n';
import { durationText, readDuration, readSchedule, scheduleText } from '../text/durations';

export type EndpointOptions = Pick<
  Endpoint,
  'retry_schedule' | 'timeout_seconds' | 'rate_limit' | 'max_concurrency' | 'disable_after_seconds'
>;

/** When a webhook that only fails is disabled: as the project says, never, or after the time beside it. */
export type DisableWhen = 'default' | 'never' | 'after';

export interface OptionFields {
  schedule: string;
  timeout: string;
  requests: string;
  period: string;
  concurrency: string;
  disable: DisableWhen;
  disableAfter: string;
}

/** Which field holds something that cannot be read, with the part that is wrong. */
export type OptionFault = { field: keyof OptionFields; text: string };

export const NO_OPTIONS: EndpointOptions = {
  retry_schedule: null,
  timeout_seconds: null,
  rate_limit: null,
  max_concurrency: null,
  disable_after_seconds: null,
};

export function disableWhen(seconds: number | null): DisableWhen {
  if (seconds === null) return 'default';
  return seconds === 0 ? 'never' : 'after';
}

/** The form's fields for stored options. */
export function fieldsOf(options: EndpointOptions, lang: Language): OptionFields {
  const time = (seconds: number | null | undefined) => (seconds ? durationText(seconds, lang) : '');
  return {
    schedule: options.retry_schedule ? scheduleText(options.retry_schedule, lang) : '',
    timeout: time(options.timeout_seconds),
    requests: options.rate_limit ? String(options.rate_limit.requests) : '',
    period: options.rate_limit ? durationText(options.rate_limit.per_seconds, lang) : '',
    concurrency: options.max_concurrency === null ? '' : String(options.max_concurrency),
    disable: disableWhen(options.disable_after_seconds),
    disableAfter: time(options.disable_after_seconds),
  };
}

/** How many settings are not the default. */
export function countSet(options: EndpointOptions): number {
  return Object.values(options).filter((value) => value !== null && value !== undefined).length;
}

/** Reads the fields; every one that cannot be read is a fault. */
export function readOptions(fields: OptionFields): { options: EndpointOptions; faults: OptionFault[] } {
  const faults: OptionFault[] = [];
  const read = (field: keyof OptionFields, parse: (text: string) => number | null): number | null => {
    const text = fields[field].trim();
    if (!text) return null;
    const value = parse(text);
    if (value === null) faults.push({ field, text });
    return value;
  };

  const schedule = fields.schedule.trim() ? readSchedule(fields.schedule) : null;
  if (schedule && 'wrong' in schedule) faults.push({ field: 'schedule', text: schedule.wrong });
  const timeout_seconds = read('timeout', readDuration);
  const requests = read('requests', readCount);
  // A number alone means "each second".
  const per_seconds = read('period', readDuration) ?? 1;
  if (requests === null && fields.period.trim() && !fields.requests.trim()) faults.push({ field: 'requests', text: '' });
  const max_concurrency = read('concurrency', readCount);
  return {
    options: {
      retry_schedule: schedule && 'seconds' in schedule ? schedule.seconds : null,
      timeout_seconds,
      rate_limit: requests === null ? null : { requests, per_seconds },
      max_concurrency,
      disable_after_seconds: readDisable(fields, faults),
    },
    faults,
  };
}

/** The seconds of "disable after": null = the default, 0 = never. */
export function readDisable(fields: Pick<OptionFields, 'disable' | 'disableAfter'>, faults: OptionFault[]): number | null {
  if (fields.disable === 'default') return null;
  if (fields.disable === 'never') return 0;
  const seconds = readDuration(fields.disableAfter);
  // Nought would be "never", which has its own choice.
  if (!seconds) faults.push({ field: 'disableAfter', text: fields.disableAfter.trim() });
  return seconds;
}

function readCount(text: string): number | null {
  return /^\d{1,9}$/.test(text) ? Number(text) : null;
}

/** The API's names of the fields, for its errors; a name stands for all that begin with it (`retry_schedule[3]`). */
export const API_FIELDS: Record<keyof OptionFields, string> = {
  schedule: 'retry_schedule',
  timeout: 'timeout_seconds',
  requests: 'rate_limit.requests',
  period: 'rate_limit.per_seconds',
  concurrency: 'max_concurrency',
  disable: 'disable_after_seconds',
  disableAfter: 'disable_after_seconds',
};
