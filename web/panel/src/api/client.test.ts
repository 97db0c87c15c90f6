import { expect, it } from 'vitest';
import { sentence } from '../ui/errors';
import { ApiProblem } from './client';

const problem = (...errors: [string, string][]) =>
  new ApiProblem(422, 'invalid', 'The detail.', errors.map(([field, message]) => ({ field, message })));

it('finds what is said of a field, and of what lies inside it', () => {
  const refused = problem(['headers.Host', 'no'], ['header', 'other'], ['data/lines/0', 'wrong'], ['data', 'large'], ['event_types[1]', 'bad']);
  expect(refused.field('headers')).toBeUndefined();
  expect(refused.field('headers.Host')).toBe('no');
  expect(refused.within('headers')).toBe('no');
  expect(refused.within('event_types')).toBe('bad');
  expect(refused.within('data')).toBe('lines/0: wrong · large');
  expect(refused.within('head')).toBeUndefined();
});

it('says every fault with its field when there are several', () => {
  expect(sentence(problem(['name', 'is missing']))).toBe('The detail.');
  expect(sentence(problem(['name', 'is missing'], ['url', 'is wrong']))).toBe('name: is missing · url: is wrong');
});
