import { afterEach, expect, test, vi } from 'vitest';
import { ConversationFeed } from './feed.svelte';

afterEach(() => vi.unstubAllGlobals());

const conversation = (id: string, updated_at: string, status = 'open') => ({ id, updated_at, status, bot_id: 'bot_1' });
const message = (seq: number) => ({ id: `msg_${seq}`, conversation_id: 'cnv_1', seq, text: `m${seq}` });

/** A server with two conversations and a stream that the test writes to and cuts. */
function server() {
  const said = [message(1), message(2)];
  let stream: ReadableStreamDefaultController<Uint8Array> | null = null;
  vi.stubGlobal('fetch', (url: string) => {
    const answer = (body: unknown) => Promise.resolve(new Response(JSON.stringify(body)));
    if (url.includes('/live')) {
      return Promise.resolve(new Response(new ReadableStream<Uint8Array>({ start: (c) => void (stream = c) })));
    }
    if (url.includes('/messages')) {
      const after = Number(new URL(url, 'http://x').searchParams.get('after') ?? 0);
      return answer({ items: said.filter((one) => one.seq > after), next: null });
    }
    if (url.includes('/cnv_1')) return answer(conversation('cnv_1', '2026-01-01'));
    return answer({ items: [conversation('cnv_2', '2026-01-02'), conversation('cnv_1', '2026-01-01')], next: null });
  });
  const write = (event: string, data: unknown) =>
    stream?.enqueue(new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
  return { said, write, cut: () => stream?.close() };
}

test('a message that arrives live and by fetching is shown once', async () => {
  const { write } = server();
  const feed = new ConversationFeed();
  const close = feed.connect();
  await vi.waitFor(() => expect(feed.live).toBe('open'));
  await feed.choose('cnv_1');
  write('message', message(2));
  write('message', message(3));
  write('message', { ...message(9), id: 'msg_x', conversation_id: 'cnv_2' });
  await vi.waitFor(() => expect(feed.messages.map((one) => one.seq)).toEqual([1, 2, 3]));
  close();
});

test('the conversation that changed comes first, and leaves a list it no longer fits', async () => {
  const { write } = server();
  const feed = new ConversationFeed();
  const close = feed.connect();
  await vi.waitFor(() => expect(feed.live).toBe('open'));
  await feed.show({ bot_id: '', status: 'open' });
  write('conversation', conversation('cnv_1', '2026-01-03'));
  await vi.waitFor(() => expect(feed.items.map((one) => one.id)).toEqual(['cnv_1', 'cnv_2']));
  write('conversation', conversation('cnv_1', '2026-01-04', 'ended'));
  await vi.waitFor(() => expect(feed.items.map((one) => one.id)).toEqual(['cnv_2']));
  close();
});

test('what was said while the stream was down is fetched when it is back', async () => {
  const { said, cut } = server();
  const feed = new ConversationFeed();
  const close = feed.connect();
  await vi.waitFor(() => expect(feed.live).toBe('open'));
  await feed.choose('cnv_1');
  said.push(message(3));
  cut();
  await vi.waitFor(() => expect(feed.messages.map((one) => one.seq)).toEqual([1, 2, 3]), { timeout: 3000 });
  close();
});
