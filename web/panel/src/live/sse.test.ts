import { expect, test } from 'vitest';
import { SseParser } from './sse';

test('an event cut anywhere arrives whole, once', () => {
  const text = ': ping\n\nevent: request\nid: req_1\ndata: {"a":1}\n\nevent: request\r\nid: req_2\r\ndata: x\r\ndata: y\r\n\r\n';
  for (let cut = 0; cut <= text.length; cut++) {
    const parser = new SseParser();
    const events = [...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))];
    expect(events, `cut at ${cut}`).toEqual([
      { event: 'request', data: '{"a":1}', id: 'req_1' },
      { event: 'request', data: 'x\ny', id: 'req_2' },
    ]);
  }
});

test('an event without an id keeps the resume point', () => {
  const parser = new SseParser('req_7');
  expect(parser.push('event: deleted\ndata: {}\n\n')).toEqual([{ event: 'deleted', data: '{}', id: 'req_7' }]);
});

test('comments and unfinished events say nothing', () => {
  const parser = new SseParser();
  expect(parser.push(': ping\n\ndata: not yet\n')).toEqual([]);
});
