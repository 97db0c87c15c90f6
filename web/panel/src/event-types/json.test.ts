import { expect, test } from 'vitest';
import { faultsOf, memberToEdit, readJson } from './json';

test('an empty text is nothing, and nothing is an empty text', () => {
  expect(readJson(' \n')).toEqual({ text: 'null' });
  expect(memberToEdit('{"schema":null}', 'schema')).toBe('');
  expect(memberToEdit('{}', 'schema')).toBe('');
});

test('a text that is no JSON says why', () => {
  expect(readJson(' {"a": 1}\n')).toEqual({ text: '{"a": 1}' });
  expect(readJson('{a}')).toHaveProperty('wrong');
});

test('a member is laid out for editing, with its numbers as they were written', () => {
  const text = memberToEdit('{"example":{"total":1.0,"id":12345678901234567890}}', 'example');
  expect(text).toBe('{\n  "total": 1.0,\n  "id": 12345678901234567890\n}');
  expect(readJson(text)).toEqual({ text });
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
