/**
 * Messages that the server has not acknowledged yet, oldest first. They are kept in the store, so that a reload or a
 * crash of the page sends them again with the same `client_id`, which the server knows how to recognise.
 *
 * Tabs share the store but not their messages: a tab sends only what it wrote or found when it loaded, and later takes
 * over what another tab has left lying (it was probably closed). A message sent by two tabs is still stored once.
 */

import type { Outgoing } from './protocol';
import type { Store } from './store';

/** A message on its way. */
export interface Item extends Outgoing {
  /** When it was written, in milliseconds of the epoch. */
  at: number;
  /** The last sequence number known then: its own number is higher. */
  after: number;
  /** It was sent at least once, so the server may have it. */
  tried?: boolean;
  /** The HTTP status that refused it. It waits for the visitor to decide. */
  failed?: number;
}

/** The queue of one bot's unacknowledged messages. */
export interface Outbox {
  items(): Item[];
  find(clientId: string): Item | undefined;
  add(item: Item): void;
  /** The one to send now: the oldest that was not refused. */
  next(): Item | undefined;
  /** Changes one and keeps the change. */
  update(clientId: string, change: Partial<Item>): void;
  remove(clientId: string): void;
  clear(): void;
  /** Takes over what other tabs have left for longer than `ABANDONED_MS`. */
  adopt(): void;
}

/** How long another tab's message may lie before this tab sends it. */
export const ABANDONED_MS = 20_000;

const NAME = 'outbox';

/** Opens the outbox, with whatever an earlier page left in it. */
export function createOutbox(store: Store): Outbox {
  const stored = () => {
    const list = store.get<Item[]>(NAME);
    return Array.isArray(list) ? list : [];
  };
  let items = stored();
  // Everything this tab ever held, so that a save never brings back what it has finished with.
  const known = new Set(items.map((item) => item.client_id));

  function save() {
    const others = stored().filter((item) => !known.has(item.client_id));
    const all = [...others, ...items];
    store.set(NAME, all.length ? all : null);
  }

  function take(item: Item) {
    known.add(item.client_id);
    items.push(item);
  }

  const find = (clientId: string) => items.find((item) => item.client_id === clientId);

  return {
    items: () => items,
    find,
    add(item) {
      take(item);
      save();
    },
    next: () => items.find((item) => !item.failed),
    update(clientId, change) {
      const item = find(clientId);
      if (!item) return;
      Object.assign(item, change);
      save();
    },
    remove(clientId) {
      items = items.filter((item) => item.client_id !== clientId);
      known.add(clientId);
      save();
    },
    clear() {
      items = [];
      save();
    },
    adopt() {
      const before = Date.now() - ABANDONED_MS;
      stored()
        .filter((item) => !known.has(item.client_id) && item.at < before)
        .forEach(take);
    },
  };
}
