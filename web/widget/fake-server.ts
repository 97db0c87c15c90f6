/**
 * A chat server in memory, for tests: it keeps conversations as the real one does (numbers, `client_id` answered alike
 * however often it comes) and can be told to misbehave. Time is the test's fake timers.
 */

import type { Env, Message } from './protocol';

interface Stored {
  token: string;
  messages: Message[];
  acknowledged: Map<string, { id: string; seq: number }>;
  ended: boolean;
  contact: Record<string, unknown>;
}

/** The browser's side of a connection, as far as the widget uses it. */
class FakeSocket {
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  conversation = '';

  constructor(private server: FakeServer) {
    setTimeout(() => {
      if (!server.reachable || !server.socketsWork) return this.drop();
      this.readyState = 1;
      this.onopen?.();
    }, 1);
  }

  send(text: string) {
    const frame = JSON.parse(text);
    setTimeout(() => this.server.hear(this, frame), 1);
  }

  say(frame: object) {
    setTimeout(() => this.readyState === 1 && this.onmessage?.({ data: JSON.stringify(frame) }), 1);
  }

  close() {
    this.readyState = 3;
  }

  drop() {
    this.readyState = 3;
    this.onclose?.();
  }
}

/** The server and its faults. */
export class FakeServer {
  reachable = true;
  socketsWork = true;
  /** Swallows what arrives over sockets without an answer. */
  deaf = false;
  /** Stores the next message but drops the line instead of acknowledging it. */
  dropBeforeAck = false;
  /** Acknowledges before the message's own copy goes out, or after. */
  ackFirst = true;
  /** The next sends are answered with these refusals. */
  refusals: { status: number; detail: string; retry_after?: number }[] = [];
  conversations = new Map<string, Stored>();
  sockets: FakeSocket[] = [];
  /** `METHOD path` of each request, `socket` of each connection, `hello after=N`, `send ID`. */
  seen: string[] = [];

  env: Env = {
    fetch: (url, init) => this.fetch(url, init),
    socket: () => {
      this.seen.push('socket');
      const socket = new FakeSocket(this);
      this.sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    random: () => 1,
    uuid: () => `client-${++this.ids}`,
  };
  private ids = 0;
  private waiting: (() => void)[] = [];

  /** The only conversation. */
  get only(): Stored {
    const all = [...this.conversations.values()];
    if (all.length !== 1) throw new Error(`there are ${all.length} conversations`);
    return all[0]!;
  }

  /** The bot says something in every conversation. `gap` leaves numbers out, as notes do. */
  bot(text: string, extra: Partial<Message> = {}, gap = 0) {
    for (const [id, stored] of this.conversations) this.add(id, stored, { from: 'bot', text, ...extra }, gap);
  }

  end() {
    for (const stored of this.conversations.values()) stored.ended = true;
    this.live().forEach((socket) => socket.say({ type: 'status', status: 'ended' }));
    this.wakePolls();
  }

  drop() {
    this.live().forEach((socket) => socket.drop());
  }

  /** As after a reset of the database. */
  forget() {
    this.conversations.clear();
  }

  live() {
    return this.sockets.filter((socket) => socket.readyState === 1);
  }

  hear(socket: FakeSocket, frame: { type: string; conversation: string; token: string; after: number; client_id: string; text: string }) {
    if (this.deaf || socket.readyState !== 1) return;
    if (frame.type === 'hello') {
      this.seen.push(`hello after=${frame.after}`);
      const stored = this.conversations.get(frame.conversation);
      if (stored?.token !== frame.token) return socket.say({ type: 'error', status: 404, detail: 'There is no such conversation.' });
      socket.conversation = frame.conversation;
      const last_seq = stored.messages[stored.messages.length - 1]?.seq ?? 0;
      socket.say({ type: 'ready', last_seq, status: stored.ended ? 'ended' : 'open' });
      for (const message of stored.messages) if (message.seq > frame.after) socket.say({ type: 'message', message });
      return;
    }
    this.seen.push(`send ${frame.client_id}`);
    const refusal = this.refusals.shift();
    if (refusal) return socket.say({ type: 'error', client_id: frame.client_id, ...refusal });
    const stored = this.conversations.get(socket.conversation)!;
    if (stored.ended) return socket.say({ type: 'error', client_id: frame.client_id, status: 409, detail: 'It has ended.' });
    const known = stored.acknowledged.has(frame.client_id);
    const ack = () => socket.say({ type: 'ack', client_id: frame.client_id, ...this.accept(socket.conversation, stored, frame, true) });
    if (this.dropBeforeAck) {
      this.dropBeforeAck = false;
      this.accept(socket.conversation, stored, frame, false);
      return socket.drop();
    }
    if (this.ackFirst || known) {
      const { id, seq } = this.accept(socket.conversation, stored, frame, false);
      socket.say({ type: 'ack', client_id: frame.client_id, id, seq });
      if (!known) this.spread(socket.conversation, stored.messages.find((message) => message.seq === seq)!);
    } else ack();
  }

  private accept(id: string, stored: Stored, { client_id, text }: { client_id: string; text: string }, spread: boolean) {
    const answer = stored.acknowledged.get(client_id);
    if (answer) return answer;
    const message = this.add(id, stored, { from: 'contact', text }, 0, spread);
    const fresh = { id: message.id, seq: message.seq };
    stored.acknowledged.set(client_id, fresh);
    return fresh;
  }

  private add(id: string, stored: Stored, message: Partial<Message>, gap: number, spread = true): Message {
    const seq = (stored.messages[stored.messages.length - 1]?.seq ?? 0) + 1 + gap;
    const full: Message = { id: `msg_${seq}`, seq, from: 'bot', type: 'text', text: '', created_at: new Date().toISOString(), ...message };
    stored.messages.push(full);
    if (spread) this.spread(id, full);
    return full;
  }

  private spread(id: string, message: Message) {
    for (const socket of this.live()) if (socket.conversation === id) socket.say({ type: 'message', message });
    this.wakePolls();
  }

  private wakePolls() {
    this.waiting.splice(0).forEach((wake) => wake());
  }

  private async fetch(url: string, { method, body, headers, signal }: RequestInit): Promise<Response> {
    const { pathname, searchParams } = new URL(url);
    const path = pathname.replace('/chat/v1', '');
    this.seen.push(`${method} ${path}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (!this.reachable) throw new TypeError('Failed to fetch');
    const sent = body ? JSON.parse(body as string) : null;
    if (path.startsWith('/bots/')) return answer(200, { id: 'bot_1', name: 'Ada', language: 'en' });
    if (path === '/conversations') {
      const refusal = this.refusals.shift();
      if (refusal) return answer(refusal.status, refusal);
      const id = `cnv_${++this.ids}`;
      const stored: Stored = { token: `token-${id}`, messages: [], acknowledged: new Map(), ended: false, contact: sent.attributes };
      this.conversations.set(id, stored);
      this.add(id, stored, { text: 'Hello' }, 0);
      return answer(201, { id, token: stored.token });
    }
    const [, , id = '', what] = path.split('/');
    const stored = this.conversations.get(id);
    const bearer = (headers as Record<string, string>).authorization;
    if (!stored || bearer !== `Bearer ${stored.token}`) return answer(404, { detail: 'There is no such conversation.' });
    if (what === 'contact') {
      Object.assign(stored.contact, sent.attributes);
      return answer(204, null);
    }
    if (method === 'POST') {
      const refusal = this.refusals.shift();
      return refusal ? answer(refusal.status, refusal) : answer(200, this.accept(id, stored, sent, true));
    }
    const after = Number(searchParams.get('after'));
    const news = () => stored.messages.filter((message) => message.seq > after);
    if (!news().length && !stored.ended) await this.wait(Number(searchParams.get('wait')), signal!);
    return answer(200, { items: news(), status: stored.ended ? 'ended' : 'open', typing: false });
  }

  private wait(seconds: number, signal: AbortSignal) {
    return new Promise<void>((resolve, reject) => {
      this.waiting.push(resolve);
      setTimeout(resolve, seconds * 1000);
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  }
}

function answer(status: number, body: unknown): Response {
  return new Response(status === 204 ? null : JSON.stringify(body), { status });
}
