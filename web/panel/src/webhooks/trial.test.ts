import { expect, test } from 'vitest';
import { t } from './i18n';
import { errorText, filterSays, transformationSays, trialInput, wouldSend } from './trial';

const micros = 10;

test('a filter that fails is told apart from one that says yes', () => {
  expect(filterSays({ passed: true, micros }).word).toBe('trial.passes');
  expect(filterSays({ passed: false, micros }).word).toBe('trial.keepsBack');
  expect(filterSays({ passed: true, micros, error: { message: 'no such key' } }).word).toBe('trial.failedPasses');
});

test('a transformation is done, skips, or failed', () => {
  expect(transformationSays({ skipped: false, micros, output: null }).word).toBe('trial.done');
  expect(transformationSays({ skipped: true, micros, output: null }).word).toBe('trial.skips');
  expect(transformationSays({ skipped: false, micros, output: null, error: { message: 'x' } }).word).toBe('trial.failed');
});

test('an event is tried with its ordering key and its data as written', () => {
  const programs = { filter: 'event.ordering_key == "vip"', transformation: null };
  const input = trialInput({ type: ' a ', orderingKey: 'vip ', data: '{"n":19.90}' }, programs);
  expect(input).toContain('19.90');
  expect(JSON.parse(input)).toEqual({ type: 'a', ordering_key: 'vip ', ...programs, data: { n: 19.9 } });
  expect(JSON.parse(trialInput({ type: 'a', orderingKey: '', data: '1' }, programs)).ordering_key).toBe(null);
});

test('an error names its place as far as it is known', () => {
  expect(errorText({ message: 'broken' }, t)).toBe('broken');
  expect(errorText({ message: 'broken', line: 2 }, t)).toBe('Line 2: broken');
  expect(errorText({ message: 'broken', line: 2, column: 5 }, t)).toBe('Line 2, column 5: broken');
});

test('what is kept back, or has no request, is not sent', () => {
  const trial = { matches_types: true, filter: null, transformation: null, request: { headers: [], body: '' } };
  expect(wouldSend(trial)).toBe(true);
  expect(wouldSend({ ...trial, filter: { passed: false, micros } })).toBe(false);
  expect(wouldSend({ ...trial, matches_types: false })).toBe(false);
  expect(wouldSend({ ...trial, request: null })).toBe(false);
});
