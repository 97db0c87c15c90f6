/**
 * The chat API over HTTP. Every call ends in an `Answer`: nothing throws, and "no answer" is status 0, which callers
 * treat as a lost connection.
 */

import type { Batch, Conversation, Env, Outgoing, Refusal } from './protocol';

/** Success with its data, or a refusal. */
export type Answer<T> = { ok: true; data: T } | ({ ok: false } & Refusal);

/** What a page says about its visitor. Unverified unless `identity_hash` proves `external_id`. */
export interface Contact {
  attributes?: Record<string, unknown>;
  external_id?: string;
  identity_hash?: string;
}

/** The calls, bound to one server and one bot. */
export interface Api {
  bot(): Promise<Answer<{ id: string; name: string; language: string }>>;
  create(contact: Contact): Promise<Answer<Conversation>>;
  send(conversation: Conversation, message: Outgoing): Promise<Answer<{ id: string; seq: number }>>;
  /** Messages after `after`; the server waits up to `wait` seconds for one. */
  messages(conversation: Conversation, after: number, wait: number, signal: AbortSignal): Promise<Answer<Batch>>;
  contact(conversation: Conversation, attributes: Record<string, unknown>): Promise<Answer<unknown>>;
  /** Where the socket is. */
  socketUrl: string;
}

/** An answer takes at most this long, beyond what the call itself asks the server to wait. */
const TIMEOUT_MS = 15_000;

/** Binds the calls to `origin`, such as `https://chat.example.com`. */
export function createApi(env: Env, origin: string, bot: string): Api {
  const base = `${origin}/chat/v1`;

  async function call<T>(
    method: string,
    path: string,
    { token, body, wait = 0, signal }: { token?: string; body?: unknown; wait?: number; signal?: AbortSignal } = {},
  ): Promise<Answer<T>> {
    const abort = new AbortController();
    const stop = () => abort.abort();
    const timer = setTimeout(stop, wait * 1000 + TIMEOUT_MS);
    signal?.addEventListener('abort', stop);
    try {
      const headers: Record<string, string> = {};
      if (token) headers.authorization = `Bearer ${token}`;
      if (body) headers['content-type'] = 'application/json';
      const response = await env.fetch(base + path, {
        method,
        headers,
        body: body ? JSON.stringify(body) : undefined,
        signal: abort.signal,
        credentials: 'omit',
        cache: 'no-store',
      });
      const data = response.status === 204 ? null : await response.json().catch(() => null);
      if (response.ok) return { ok: true, data };
      return {
        ok: false,
        status: response.status,
        detail: data?.detail,
        retry_after: Number(response.headers.get('retry-after')) || data?.retry_after,
      };
    } catch {
      return { ok: false, status: 0 };
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
  }

  const at = (conversation: Conversation, rest: string) => `/conversations/${conversation.id}/${rest}`;

  return {
    bot: () => call('GET', `/bots/${encodeURIComponent(bot)}`),
    create: (contact) => call('POST', '/conversations', { body: { bot, ...contact } }),
    send: (conversation, { client_id, text, choice }) =>
      call('POST', at(conversation, 'messages'), { token: conversation.token, body: { client_id, text, choice } }),
    messages: (conversation, after, wait, signal) =>
      call('GET', at(conversation, `messages?after=${after}&wait=${wait}`), { token: conversation.token, wait, signal }),
    contact: (conversation, attributes) =>
      call('PUT', at(conversation, 'contact'), { token: conversation.token, body: { attributes } }),
    socketUrl: `${base.replace(/^http/, 'ws')}/socket`,
  };
}
