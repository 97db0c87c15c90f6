import { expect, test } from 'vitest';
import { memberText, prettyJson, withMembers } from './json';
import { plain } from './tokens';

const pretty = (text: string) => {
  const tokens = prettyJson(text);
  return tokens && plain(tokens);
};

test('JSON is laid out in the order it came', () => {
  expect(pretty('{"b":1,"a":[true,{"x":null}],"e":{},"l":[]}')).toBe(
    '{\n  "b": 1,\n  "a": [\n    true,\n    {\n      "x": null\n    }\n  ],\n  "e": {},\n  "l": []\n}',
  );
});

test('long numbers and escapes keep their text', () => {
  expect(pretty('[12345678901234567890.10, "\\u0131 \\" {"]')).toBe('[\n  12345678901234567890.10,\n  "\\u0131 \\" {"\n]');
});

test('what is not JSON is left alone', () => {
  expect(pretty('{"a":')).toBeNull();
  expect(pretty('')).toBeNull();
});

test('a member is cut out exactly as it was written', () => {
  const text = '{"id":"evt_1","x":{"data":1},"data": {"n": 1.00, "list":[1, 2]},"after":[3]}';
  expect(memberText(text, 'data')).toBe('{"n": 1.00, "list":[1, 2]}');
  expect(memberText(text, 'id')).toBe('"evt_1"');
  expect(memberText(text, 'after')).toBe('[3]');
  expect(memberText(text, 'none')).toBeNull();
});

test('members are added as their texts stand', () => {
  expect(withMembers({ type: 'a', none: undefined }, { data: '{"n": 19.90}' })).toBe('{"type":"a","data":{"n": 19.90}}');
  expect(withMembers({}, { a: '12345678901234567890', b: 'null' })).toBe('{"a":12345678901234567890,"b":null}');
});
