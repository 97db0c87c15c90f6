import { expect, test } from 'vitest';
import { bySequence, lastUpdatedFirst, merge, newestFirst } from './keyed';

const item = (id: string, extra: object = {}) => ({ id, ...extra });

test('what comes by page and by stream is there once, newest first', () => {
  const page = [item('req_3'), item('req_2'), item('req_1')];
  const live = [item('req_2'), item('req_4')];
  expect(merge(page, live, newestFirst).map((one) => one.id)).toEqual(['req_4', 'req_3', 'req_2', 'req_1']);
});

test('the newer copy wins and moves to its place', () => {
  const list = [
    { id: 'cnv_2', updated_at: '2026-01-02', text: 'b' },
    { id: 'cnv_1', updated_at: '2026-01-01', text: 'a' },
  ];
  const merged = merge(list, [{ id: 'cnv_1', updated_at: '2026-01-03', text: 'c' }], lastUpdatedFirst);
  expect(merged.map((one) => one.text)).toEqual(['c', 'b']);
});

test('messages that overtake each other are put in order, none doubled', () => {
  const merged = merge([{ id: 'm1', seq: 1 }], [{ id: 'm3', seq: 3 }, { id: 'm1', seq: 1 }, { id: 'm2', seq: 2 }], bySequence);
  expect(merged.map((one) => one.seq)).toEqual([1, 2, 3]);
});
