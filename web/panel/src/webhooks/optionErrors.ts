/** The sentences at the fields of the advanced settings: what the form cannot read, else what the server refused. */
import type { ApiProblem } from '../api/client';
import { t } from './i18n';
import { API_FIELDS, type OptionFault, type OptionFields } from './options';

const WORDS = {
  schedule: 'options.durationError',
  timeout: 'options.durationError',
  period: 'options.durationError',
  disable: 'options.durationError',
  disableAfter: 'options.durationError',
  requests: 'options.countError',
  concurrency: 'options.countError',
} as const;

export function optionErrors(faults: readonly OptionFault[], problem: ApiProblem | null): Partial<Record<keyof OptionFields, string>> {
  const errors: Partial<Record<keyof OptionFields, string>> = {};
  for (const [field, name] of Object.entries(API_FIELDS) as [keyof OptionFields, string][]) {
    // `retry_schedule[3]` and `rate_limit` belong to the fields that stand for them.
    const refused = problem?.errors.filter((one) => one.field === name || one.field.startsWith(`${name}[`));
    if (refused && refused.length > 0) errors[field] = refused.map((one) => one.message).join(' ');
  }
  for (const { field, text } of faults) errors[field] = t(WORDS[field], { text });
  return errors;
}
