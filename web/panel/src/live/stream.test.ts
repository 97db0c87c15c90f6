import { afterEach, expect, test, vi } from 'vitest';
import { openStream, type LiveState } from './stream';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A server that gives each connection the next text and then drops it. */
function serverSaying(...texts: string[]) {
  const asked: (string | null)[] = [];
  const fetch = vi.fn((_url: string, init: RequestInit) => {
    asked.push(new Headers(init.headers).get('last-event-id'));
    const text = texts.shift();
    if (text === undefined) return new Promise<Response>(() => {});
    return Promise.resolve(new Response(text, { status: 200, headers: { 'content-type': 'text/event-stream' } }));
  });
  vi.stubGlobal('fetch', fetch);
  return asked;
}

test('after a drop the stream resumes behind the last event it saw', async () => {
  vi.useFakeTimers();
  const asked = serverSaying('id: req_1\ndata: 1\n\n', 'id: req_2\ndata: 2\n\n');
  const seen: string[] = [];
  const states: LiveState[] = [];
  let reopened = 0;
  const close = openStream({
    path: '/inboxes/inb_1/live',
    onEvent: (event) => seen.push(event.id),
    onState: (state) => states.push(state),
    onReopen: () => (reopened += 1),
  });
  await vi.waitFor(() => expect(states).toContain('closed'));
  await vi.advanceTimersByTimeAsync(1000);
  await vi.waitFor(() => expect(seen).toEqual(['req_1', 'req_2']));
  await vi.advanceTimersByTimeAsync(1000);
  await vi.waitFor(() => expect(asked).toEqual([null, 'req_1', 'req_2']));
  expect(reopened).toBe(1);
  close();
});

test('a stream of something that is gone is not asked for again', async () => {
  vi.useFakeTimers();
  const fetch = vi.fn(() => Promise.resolve(new Response('{"detail":"No such inbox."}', { status: 404 })));
  vi.stubGlobal('fetch', fetch);
  const states: LiveState[] = [];
  openStream({ path: '/inboxes/inb_0/live', onEvent: () => {}, onState: (state) => states.push(state) });
  await vi.waitFor(() => expect(states).toEqual(['connecting', 'closed']));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(fetch).toHaveBeenCalledTimes(1);
});
