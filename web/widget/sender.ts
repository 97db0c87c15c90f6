/**
 * Sends what is in the outbox over the link, one message at a time and in order, and decides what a refusal means: wait
 * and send again, leave it to the visitor, or something about the conversation itself.
 */

import { backoff, type Link } from './link';
import type { Outbox } from './outbox';
import type { Refusal } from './protocol';

/** What a refusal says about the conversation: it is unknown, this site may not use it, it has ended, or nothing. */
export type Verdict = 'gone' | 'forbidden' | 'ended' | undefined;

/** The sending side of a conversation. */
export interface Sender {
  /** Sends the next message if the line is up and nothing else is on its way. */
  flush(): void;
  /** To be called after the timeline has taken the acknowledgement. */
  acknowledged(clientId: string): void;
  refused(refusal: Refusal, clientId?: string): Verdict;
  /** What was on its way is on its way no longer. */
  lineLost(): void;
  /** When sending goes on after a refusal for the rate, in milliseconds of the epoch; else 0. */
  slowUntil(): number;
  /** For a new conversation: no pause is left over from the last. */
  reset(): void;
}

/** An acknowledgement that takes longer than this means a dead line. */
const ACK_MS = 10_000;

/** A sender. `open`: the conversation takes messages. */
export function createSender(
  outbox: Outbox,
  link: () => Link,
  open: () => boolean,
  random: () => number,
  changed: () => void,
): Sender {
  let inFlight: string | null = null;
  let pausedUntil = 0;
  let slow = false; // The pause is because of the rate.
  let failures = 0;
  let ackTimer: ReturnType<typeof setTimeout> | undefined;
  let pauseTimer: ReturnType<typeof setTimeout> | undefined;

  function lineLost() {
    inFlight = null;
    clearTimeout(ackTimer);
  }

  function flush() {
    const item = outbox.next();
    if (!item || inFlight || Date.now() < pausedUntil || !link().isUp() || !open()) return;
    const { client_id, text, choice } = item;
    inFlight = client_id;
    outbox.update(client_id, { tried: true });
    ackTimer = setTimeout(link().restart, ACK_MS);
    link().send({ client_id, text, choice });
  }

  function reset() {
    clearTimeout(pauseTimer);
    pausedUntil = failures = 0;
    slow = false;
  }

  function pause(ms: number) {
    clearTimeout(pauseTimer);
    pausedUntil = Date.now() + ms;
    pauseTimer = setTimeout(() => {
      slow = false;
      flush();
      changed();
    }, ms);
  }

  return {
    flush,
    lineLost,
    reset,
    acknowledged(clientId) {
      if (inFlight === clientId) {
        lineLost();
        reset();
      }
      flush();
    },
    refused({ status, retry_after }, clientId = inFlight ?? '') {
      if (clientId === inFlight) lineLost();
      if (status === 401 || status === 404 || status === 410) return 'gone';
      if (status === 403) return 'forbidden';
      if (status === 429 || status >= 500) {
        // Not the message's fault: it stays at the head and is sent again.
        slow = status === 429;
        pause(retry_after ? retry_after * 1000 : backoff(2 + failures++, random()));
        return;
      }
      outbox.update(clientId, { failed: status });
      if (status === 409) return 'ended';
      flush();
    },
    slowUntil: () => (slow ? pausedUntil : 0),
  };
}
