/**
 * The shapes that cross the wire between the widget and the server: the chat API and the frames of its socket. Nothing
 * here acts; `api.ts` and `link.ts` carry these shapes.
 */

/** A conversation as the browser keeps it: its id and the token that alone opens it. */
export interface Conversation {
  id: string;
  token: string;
  /** Known to have ended; it is then not connected to until the visitor opens the panel. */
  ended?: boolean;
}

/** An answer on offer. One with `url` is a link, the others are sent back as `BLOCK/CHOICE`. */
export interface Choice {
  id: string;
  label: string;
  url?: string;
}

/** Whether a conversation still takes messages. */
export type Status = 'open' | 'ended';

/** A message of the conversation. `seq` counts from 1; gaps are normal (notes are not shown to the visitor). */
export interface Message {
  id: string;
  seq: number;
  from: 'contact' | 'bot' | 'agent';
  type: 'text' | 'choices';
  text: string;
  choices?: Choice[] | null;
  choice_style?: 'buttons' | 'quick_replies' | null;
  block_id?: string | null;
  created_at: string;
}

/** What the visitor says. The server answers the same `client_id` the same way however often it is sent. */
export interface Outgoing {
  client_id: string;
  text: string;
  /** `BLOCK_ID/CHOICE_ID` when it was a click. */
  choice?: string;
}

/** A refusal. `status` is HTTP's, or 0 when no answer came. `retry_after` is in seconds. */
export interface Refusal {
  status: number;
  detail?: string;
  retry_after?: number;
}

/** What the server sends over the socket. */
export type Frame =
  | { type: 'ready'; last_seq: number; status: Status }
  | { type: 'message'; message: Message }
  | { type: 'typing' }
  | { type: 'status'; status: Status }
  | { type: 'ack'; client_id: string; id: string; seq: number }
  | ({ type: 'error'; client_id?: string } & Refusal);

/** An answer of the long poll. */
export interface Batch {
  items: Message[];
  status: Status;
  typing: boolean;
}

/** The longest text that the server takes, in characters. */
export const MAX_TEXT = 4000;

/** What the session needs of the browser, passed in so that tests can stand in for it. Timers and `Date` are faked globally. */
export interface Env {
  fetch(url: string, init: RequestInit): Promise<Response>;
  socket(url: string): WebSocket;
  /** From 0 to below 1. */
  random(): number;
  /** A fresh id for a message. */
  uuid(): string;
}
