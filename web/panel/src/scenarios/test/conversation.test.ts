import { afterEach, describe, expect, it, vi } from 'vitest';
import { TestConversation } from './conversation.svelte';

const message = (seq: number, from: string, text: string) => ({ id: `msg_${seq}`, seq, from, type: 'text', text, block_id: 'hello', created_at: '' });
const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const never = new Promise<Response>(() => {});

/** A server that answers by path; polls are answered from a queue, then wait for ever. */
function serve(polls: unknown[], routes: Record<string, () => Response> = {}) {
  const sent: { path: string; body: unknown }[] = [];
  vi.stubGlobal('fetch', (input: string, init: RequestInit = {}) => {
    const path = input.split('?')[0] ?? '';
    if (init.method === 'POST') sent.push({ path, body: init.body ? JSON.parse(String(init.body)) : undefined });
    const route = routes[path];
    if (route) return Promise.resolve(route());
    if (path === '/api/v1/scenarios/scn_1/test') return Promise.resolve(json({ conversation_id: 'cnv_1', token: 'tok' }, 201));
    if (path === '/chat/v1/conversations/cnv_1/messages') {
      if (init.method === 'POST') return Promise.resolve(json({ id: 'msg_9', seq: 9 }));
      const next = polls.shift();
      return next ? Promise.resolve(json(next)) : never;
    }
    return never;
  });
  return sent;
}

afterEach(() => vi.unstubAllGlobals());

describe('test conversation', () => {
  it('merges the visitor’s messages and the panel’s remarks by their number', async () => {
    serve([{ items: [message(3, 'bot', 'Late'), message(1, 'bot', 'Hello')], status: 'open', typing: false }], {
      '/api/v1/conversations/cnv_1': () =>
        json({ id: 'cnv_1', status: 'open', contact: { attributes: { city: 'Ankara' } }, waiting: { kind: 'visitor', block_id: 'ask' }, block_id: 'hello' }),
      '/api/v1/conversations/cnv_1/messages': () =>
        json({ items: [message(1, 'bot', 'Hello'), message(2, 'note', 'No answer found')], next: null }),
    });
    const blocks: (string | null)[] = [];
    const test = new TestConversation('scn_1', (block) => blocks.push(block));
    await test.start();
    await vi.waitFor(() => expect(test.messages.map((item) => item.text)).toEqual(['Hello', 'No answer found', 'Late']));
    await vi.waitFor(() => expect(test.attributes).toEqual({ city: 'Ankara' }));
    expect(blocks.at(-1)).toBe('ask');
    test.stop();
    expect(blocks.at(-1)).toBeNull();
  });

  it('sends a click with its choice and shows the text until it has come back', async () => {
    const sent = serve([]);
    const test = new TestConversation('scn_1', () => {});
    await test.start();
    await test.say('Yes', 'menu/c1');
    expect(test.pending).toBe('Yes');
    expect(sent.at(-1)?.body).toMatchObject({ text: 'Yes', choice: 'menu/c1', client_id: expect.stringMatching(/^[0-9a-f]{32}$/) });
    test.stop();
  });

  it('ends when the conversation ends', async () => {
    serve([{ items: [message(1, 'bot', 'Bye')], status: 'ended', typing: false }]);
    const test = new TestConversation('scn_1', () => {});
    await test.start();
    await vi.waitFor(() => expect(test.status).toBe('ended'));
    test.stop();
  });

  it('says why it could not start', async () => {
    serve([], {
      '/api/v1/scenarios/scn_1/test': () => json({ type: '/problems/scenario-invalid', status: 422, detail: 'Mend it.', problems: [] }, 422),
    });
    const test = new TestConversation('scn_1', () => {});
    await test.start();
    expect(test.status).toBe('none');
    expect(test.error).toMatchObject({ code: 'scenario-invalid', detail: 'Mend it.' });
  });
});
