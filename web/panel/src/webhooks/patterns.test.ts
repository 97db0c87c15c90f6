import { expect, test } from 'vitest';
import { groupTypes, isPattern, joinPatterns, readPatterns, splitPatterns } from './patterns';

const groups = groupTypes(['conversation.started', 'conversation.ended', 'message.sent']);

test('types are grouped by their first segment', () => {
  expect(groups.map((group) => [group.all, group.types.length])).toEqual([
    ['conversation.*', 2],
    ['message.*', 1],
  ]);
});

test('patterns that no checkbox shows go to the text field, and back', () => {
  const patterns = ['conversation.*', 'order.paid', 'message.sent', '*'];
  const { known, other } = splitPatterns(patterns, groups);
  expect(known).toEqual(['conversation.*', 'message.sent']);
  expect(other).toEqual(['order.paid', '*']);
  expect(joinPatterns(known, other, groups).sort()).toEqual([...patterns].sort());
});

test('a chosen group makes its single types superfluous', () => {
  expect(joinPatterns(['conversation.*', 'conversation.ended'], ['order.paid', 'order.paid'], groups)).toEqual([
    'conversation.*',
    'order.paid',
  ]);
});

test('patterns are read however they are separated', () => {
  expect(readPatterns(' order.paid,user.* \n x ')).toEqual(['order.paid', 'user.*', 'x']);
});

test('only what the API takes is a pattern', () => {
  for (const good of ['*', 'a', 'a.b-c_d', 'order.*', 'a.b.*']) expect(isPattern(good), good).toBe(true);
  for (const bad of ['', '.*', 'a..b', 'a.*.b', 'a*', 'ş.b', 'a.', 'x'.repeat(129)]) expect(isPattern(bad), bad).toBe(false);
});
