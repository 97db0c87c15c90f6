import { expect, test } from 'vitest';
import { countSet, fieldsOf, NO_OPTIONS, readOptions, type EndpointOptions, type OptionFields } from './options';

const all: EndpointOptions = {
  retry_schedule: [0, 5, 300],
  timeout_seconds: 20,
  rate_limit: { requests: 10, per_seconds: 60 },
  max_concurrency: 4,
  disable_after_seconds: 172_800,
};
const blank: OptionFields = fieldsOf(NO_OPTIONS, 'en');
const faultsOf = (fields: Partial<OptionFields>) => readOptions({ ...blank, ...fields }).faults.map(({ field, text }) => `${field}: ${text}`);

test('what is stored stands in the form and comes back unchanged, in both languages', () => {
  for (const lang of ['en', 'tr'] as const) {
    for (const options of [all, NO_OPTIONS, { ...NO_OPTIONS, disable_after_seconds: 0 }]) {
      expect(readOptions(fieldsOf(options, lang))).toEqual({ options, faults: [] });
    }
  }
  expect(fieldsOf(all, 'en').schedule).toBe('0 s, 5 s, 5 min');
});

test('an empty field is the default', () => {
  expect(readOptions(blank).options).toEqual(NO_OPTIONS);
  expect([countSet(NO_OPTIONS), countSet(all)]).toEqual([0, 5]);
});

test('a rate without a period is for each second, a period without a rate is a fault', () => {
  expect(readOptions({ ...blank, requests: '10' }).options.rate_limit).toEqual({ requests: 10, per_seconds: 1 });
  expect(faultsOf({ period: '5 s' })).toEqual(['requests: ']);
});

test('each field that cannot be read is a fault with the part that is wrong', () => {
  expect(faultsOf({ schedule: '5 s, soon', timeout: 'x', requests: '-1', concurrency: '1.5', disable: 'after' })).toEqual([
    'schedule: soon',
    'timeout: x',
    'requests: -1',
    'concurrency: 1.5',
    'disableAfter: ',
  ]);
  expect(faultsOf({ disable: 'after', disableAfter: '0' })).toEqual(['disableAfter: 0']);
});
