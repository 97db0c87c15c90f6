import { afterEach, expect, test, vi } from 'vitest';
import { InboxFeed } from './feed.svelte';

afterEach(() => vi.unstubAllGlobals());

/** A server with one page of requests and a stream that the test writes to. */
function server(ids: string[]) {
  let push: (text: string) => void = () => {};
  const resumedAfter: (string | null)[] = [];
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    if (!url.endsWith('/live')) {
      return Promise.resolve(new Response(JSON.stringify({ items: ids.map((id) => ({ id })), next: null })));
    }
    resumedAfter.push(new Headers(init.headers).get('last-event-id'));
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({ start: (c) => void (push = (text) => c.enqueue(encoder.encode(text))) });
    return Promise.resolve(new Response(body));
  });
  return { resumedAfter, say: (event: string, id: string) => push(`event: ${event}\nid: ${id}\ndata: {"id":"${id}"}\n\n`) };
}

test('live requests join the page that was fetched, each once, newest first', async () => {
  const { say, resumedAfter } = server(['req_2', 'req_1']);
  const feed = new InboxFeed('inb_1');
  await feed.start();
  await vi.waitFor(() => expect(feed.live).toBe('open'));
  expect(resumedAfter).toEqual(['req_2']);
  say('request', 'req_2');
  say('request', 'req_3');
  await vi.waitFor(() => expect(feed.items.map((item) => item.id)).toEqual(['req_3', 'req_2', 'req_1']));
  expect(feed.arrived?.id).toBe('req_3');
  feed.stop();
});

test('a deleted request does not come back by the stream', async () => {
  const { say } = server(['req_2', 'req_1']);
  const feed = new InboxFeed('inb_1');
  await feed.start();
  await vi.waitFor(() => expect(feed.live).toBe('open'));
  say('deleted', 'req_2');
  say('request', 'req_2');
  say('request', 'req_4');
  await vi.waitFor(() => expect(feed.items.map((item) => item.id)).toEqual(['req_4', 'req_1']));
  feed.stop();
});
