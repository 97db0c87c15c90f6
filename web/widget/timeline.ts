/**
 * What stands in the log: the server's messages by sequence number, then the visitor's unacknowledged ones. Messages may
 * come twice (socket, catch-up, poll, acknowledgement, another tab) and are shown once.
 *
 * The server's copy of an own message carries no `client_id`, and may arrive before the acknowledgement. It is then
 * recognised by its text and by a number higher than those known when it was written; the acknowledgement corrects a
 * wrong guess.
 */

import type { Choice, Message } from './protocol';
import type { Item, Outbox } from './outbox';

/** One line of the log. */
export interface Entry {
  /** Stays the same from writing to acknowledgement, so that the view keeps its element. */
  key: string;
  /** 0 while the server has not numbered it. */
  seq: number;
  from: Message['from'];
  text: string;
  /** RFC 3339. */
  at: string;
  state: 'sending' | 'sent' | 'failed';
  /** The HTTP status that refused it. */
  problem?: number;
  block?: string | null;
  choices?: Choice[] | null;
  quick?: boolean;
}

/** The log of one conversation. */
export interface Timeline {
  /** In the order of showing. */
  entries(): Entry[];
  /** The highest number that the *stream* has brought: what to ask for after a drop. An acknowledgement does not move it. */
  cursor(): number;
  /** Takes a message of the stream; false when it was there already. */
  receive(message: Message): boolean;
  /** Gives the number to an own message, which leaves the outbox. */
  acknowledge(clientId: string, seq: number): void;
  clear(): void;
}

/** An empty log beside an outbox. */
export function createTimeline(outbox: Outbox): Timeline {
  const bySeq = new Map<number, Entry>();
  let cursor = 0;

  const keyed = (key: string) => [...bySeq.values()].find((entry) => entry.key === key);

  const guess = (message: Message) =>
    outbox
      .items()
      .find(
        (item) =>
          message.from === 'contact' &&
          item.tried &&
          item.text === message.text &&
          message.seq > item.after &&
          !keyed(item.client_id),
      );

  return {
    entries() {
      const sent = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
      const waiting = outbox.items().filter((item) => !keyed(item.client_id));
      return [...sent, ...waiting.map(waitingEntry)];
    },
    cursor: () => cursor,
    receive(message) {
      const { seq } = message;
      const present = bySeq.get(seq);
      cursor = Math.max(cursor, seq);
      bySeq.set(seq, {
        key: present?.key ?? guess(message)?.client_id ?? `m${seq}`,
        seq,
        from: message.from,
        text: message.text,
        at: message.created_at,
        state: 'sent',
        block: message.block_id,
        choices: message.choices,
        quick: message.choice_style === 'quick_replies',
      });
      return !present;
    },
    acknowledge(clientId, seq) {
      const item = outbox.find(clientId);
      const guessed = keyed(clientId);
      if (guessed && guessed.seq !== seq) guessed.key = `m${guessed.seq}`;
      if (item && !bySeq.has(seq)) bySeq.set(seq, { ...waitingEntry(item), seq, state: 'sent' });
      outbox.remove(clientId);
    },
    clear() {
      bySeq.clear();
      cursor = 0;
    },
  };
}

function waitingEntry(item: Item): Entry {
  return {
    key: item.client_id,
    seq: 0,
    from: 'contact',
    text: item.text,
    at: new Date(item.at).toISOString(),
    state: item.failed ? 'failed' : 'sending',
    problem: item.failed,
  };
}
