import { expect, test } from 'vitest';
import { faultsOf, jsonText, readJson } from './json';

test('an empty text is nothing, and nothing is an empty text', () => {
  expect(readJson(' \n')).toEqual({ value: null });
  expect(jsonText(null)).toBe('');
});

test('a text that is no JSON says why', () => {
  expect(readJson('{"a": 1}')).toEqual({ value: { a: 1 } });
  expect(readJson('{a}')).toHaveProperty('wrong');
});

test('a value is laid out for editing and read back', () => {
  const value = { type: 'object', properties: { id: { type: 'integer' } } };
  expect(readJson(jsonText(value))).toEqual({ value });
  expect(jsonText(value)).toContain('\n');
});

test('faults are told by field, with the place inside it', () => {
  const errors = [
    { field: 'schema/properties/a', message: 'one' },
    { field: 'schema', message: 'two' },
    { field: 'schemata', message: 'another field' },
  ];
  expect(faultsOf(errors, 'schema')).toEqual([
    { place: '/properties/a', message: 'one' },
    { place: '', message: 'two' },
  ]);
});
