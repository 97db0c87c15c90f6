/**
 * One visitor's conversation with one bot: begun when first wanted, found again after a reload and in other tabs, sent to
 * and listened to over the link, begun anew when the server no longer knows it. It holds the state that the view shows
 * and says `changed` after every change; it never touches the page.
 */

import { createApi, type Contact } from './api';
import { backoff, createLink } from './link';
import { createOutbox } from './outbox';
import type { Conversation, Env, Refusal, Status } from './protocol';
import { createSender } from './sender';
import type { Store } from './store';
import { createTimeline, type Entry } from './timeline';

/** What the view shows. */
export interface State {
  /** `none`: not begun. `unavailable`: the server refuses this bot or this site. */
  phase: 'none' | 'open' | 'ended' | 'unavailable';
  line: 'idle' | 'connecting' | 'up' | 'lost';
  entries: Entry[];
  typing: boolean;
  /** Messages were refused for their rate; sending goes on at this time, in milliseconds of the epoch. */
  slowUntil: number;
  /** Messages of the bot or an agent that the visitor has not seen. */
  unread: number;
  /** The server's name for the bot. */
  name: string;
}

/** What the element does with a conversation. */
export interface Session {
  state(): State;
  /** The visitor looks: begins the conversation if there is none. Until `unwatch`, what arrives counts as read. */
  watch(): void;
  unwatch(): void;
  say(text: string, choice?: string): void;
  retry(clientId: string): void;
  discard(clientId: string): void;
  /** Begins anew. Returns the texts that never left, for the visitor to decide on. */
  again(): string;
  setContact(contact: Contact): void;
  /** The network is back (`online`), or the page is looked at again. */
  wake(online: boolean): void;
  stop(): void;
}

/** The typing dots go away by themselves after this long. */
const TYPING_MS = 20_000;
/** New conversations that the server forgets at once, before the widget gives up. */
const MAX_RENEWALS = 3;

/** The session of `bot` on the server at `origin`. It connects only if a conversation is stored, or on `watch`. */
export function createSession(
  env: Env,
  { origin, bot, language }: { origin: string; bot: string; language: string },
  store: Store,
  changed: () => void,
): Session {
  const api = createApi(env, origin, bot);
  const outbox = createOutbox(store);
  const timeline = createTimeline(outbox);
  let conversation: Conversation | null = null;
  let phase: State['phase'] = 'none';
  let line: State['line'] = 'idle';
  let watching = false;
  let creating = false;
  let renewals = 0;
  let failures = 0;
  let name = '';
  let contact: Contact = { attributes: { language } };
  let contactChanged = false;
  let typing = false;
  let typingTimer: ReturnType<typeof setTimeout> | undefined;
  let createTimer: ReturnType<typeof setTimeout> | undefined;

  const link = createLink(env, api, {
    cursor: timeline.cursor,
    finished: () => phase === 'ended' && timeline.cursor() > 0,
    up(status) {
      line = 'up';
      outbox.adopt();
      setStatus(status);
      sendContact();
      sender.flush();
      changed();
    },
    down() {
      line = phase === 'ended' ? 'idle' : 'lost';
      setTyping(false);
      sender.lineLost();
      changed();
    },
    message(message) {
      renewals = 0;
      timeline.receive(message);
      if (message.from !== 'contact') setTyping(false);
      markRead();
      changed();
    },
    typing(on) {
      setTyping(on);
      changed();
    },
    status(status) {
      setStatus(status);
      changed();
    },
    acknowledged(clientId, seq) {
      renewals = 0;
      timeline.acknowledge(clientId, seq);
      sender.acknowledged(clientId);
      changed();
    },
    refused(refusal, clientId) {
      const verdict = sender.refused(refusal, clientId);
      if (verdict === 'gone') return renew();
      if (verdict === 'ended') setStatus(verdict);
      if (verdict === 'forbidden') {
        link.stop();
        phase = 'unavailable';
      }
      changed();
    },
  });
  const sender = createSender(outbox, () => link, () => phase === 'open', env.random, changed);

  // --- The conversation ---

  function adopt(found: Conversation) {
    conversation = found;
    phase = found.ended ? 'ended' : 'open';
    start(found);
    changed();
  }

  function start(known: Conversation) {
    line = 'idle';
    if (known.ended && !watching) return;
    line = 'connecting';
    link.start(known);
  }

  /** Forgets the conversation, here and on the screen; what waits in the outbox stays. */
  function forget() {
    link.stop();
    sender.reset();
    timeline.clear();
    setTyping(false);
    conversation = null;
    phase = 'none';
    line = 'connecting';
    store.set('read', null);
  }

  async function create() {
    if (creating || conversation) return;
    const stored = store.get<Conversation>('conversation');
    if (stored?.token) return adopt(stored);
    creating = true;
    phase = 'none';
    line = line === 'lost' ? line : 'connecting';
    contactChanged = false;
    changed();
    const answer = await api.create(contact);
    creating = false;
    // Another tab may have been quicker: then its conversation is the one.
    const other = store.get<Conversation>('conversation');
    if (other?.token) return adopt(other);
    if (answer.ok && answer.data?.token) {
      const { id, token } = answer.data;
      store.set('conversation', { id, token });
      failures = 0;
      return adopt({ id, token });
    }
    const { status, retry_after, detail } = answer as Refusal;
    if ((status === 400 || status === 413 || status === 422) && contact.attributes) {
      // The chat matters more than what the page said about its visitor.
      console.warn('kanca: the server refused what setContact said:', detail ?? status);
      contact = {};
      return create();
    }
    if (status >= 400 && status < 500 && status !== 429) phase = 'unavailable';
    else {
      clearTimeout(createTimer);
      createTimer = setTimeout(create, retry_after ? retry_after * 1000 : backoff(failures++, env.random()));
    }
    line = phase === 'unavailable' ? 'idle' : 'lost';
    changed();
  }

  /** The server does not know the conversation (any more): quietly begins a new one with what was not sent yet. */
  function renew() {
    store.set('conversation', null);
    forget();
    outbox.items().forEach((item) => outbox.update(item.client_id, { after: 0, tried: false, choice: undefined }));
    if (renewals++ < MAX_RENEWALS) {
      if (watching || outbox.next()) create();
    } else {
      phase = 'unavailable';
      line = 'idle';
    }
    changed();
  }

  function setStatus(status: Status) {
    if (!conversation || phase === status) return;
    phase = status;
    conversation = { ...conversation, ended: status === 'ended' };
    store.set('conversation', conversation);
    if (status === 'ended') setTyping(false);
  }

  async function sendContact() {
    if (!conversation || !contactChanged || !contact.attributes) return;
    contactChanged = false;
    const answer = await api.contact(conversation, contact.attributes);
    if (answer.ok) return;
    if (answer.status === 0 || answer.status >= 500 || answer.status === 429) contactChanged = true; // With the next line.
    else console.warn('kanca: setContact was refused:', answer.detail ?? answer.status);
  }

  // --- Small state ---

  function setTyping(on: boolean) {
    typing = on && phase === 'open';
    clearTimeout(typingTimer);
    if (!typing) return;
    typingTimer = setTimeout(() => {
      typing = false;
      changed();
    }, TYPING_MS);
  }

  const theirs = () => timeline.entries().filter((entry) => entry.from !== 'contact');

  function markRead() {
    const newest = timeline.cursor();
    if (watching && newest > (store.get<number>('read') ?? 0)) store.set('read', newest);
  }

  const unwatchStore = store.watch((changedName) => {
    if (changedName === 'conversation') {
      const other = store.get<Conversation>('conversation');
      if (!other?.token) return;
      if (other.id !== conversation?.id) {
        forget();
        adopt(other);
      } else if (other.ended) setStatus('ended');
    }
    changed();
  });

  const stored = store.get<Conversation>('conversation');
  if (stored?.token) adopt(stored);

  return {
    state() {
      const read = store.get<number>('read') ?? 0;
      return {
        phase,
        line,
        entries: timeline.entries(),
        typing,
        slowUntil: sender.slowUntil(),
        unread: watching ? 0 : theirs().filter((entry) => entry.seq > read).length,
        name,
      };
    },
    watch() {
      watching = true;
      markRead();
      if (!name) {
        api.bot().then((answer) => {
          name = (answer.ok && answer.data?.name) || name;
          changed();
        });
      }
      if (!conversation) create();
      else if (phase === 'ended' && !timeline.cursor()) start(conversation);
      changed();
    },
    unwatch() {
      watching = false;
      changed();
    },
    say(text, choice) {
      const after = Math.max(timeline.cursor(), store.get<number>('read') ?? 0);
      outbox.add({ client_id: env.uuid(), text, choice, at: Date.now(), after });
      sender.flush();
      changed();
    },
    retry(clientId) {
      outbox.update(clientId, { failed: undefined });
      sender.flush();
      changed();
    },
    discard(clientId) {
      outbox.remove(clientId);
      changed();
    },
    again() {
      const unsent = outbox.items().filter((item) => !item.choice);
      outbox.clear();
      store.set('conversation', null);
      forget();
      renewals = 0;
      create();
      return unsent.map((item) => item.text).join('\n');
    },
    setContact({ attributes, ...identity }) {
      contact = { ...contact, ...identity, attributes: { ...contact.attributes, ...attributes } };
      contactChanged = true;
      if (link.isUp()) sendContact();
    },
    wake(online) {
      if (online && conversation && phase !== 'ended') link.restart();
      else link.wake();
      if (online && watching) create();
    },
    stop() {
      unwatchStore();
      link.stop();
      sender.lineLost();
      sender.reset();
      clearTimeout(typingTimer);
      clearTimeout(createTimer);
    },
  };
}
