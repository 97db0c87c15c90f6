// A test conversation over the present draft. The visitor's side comes from the chat API; remarks, the
// block it is at and the attributes come from the panel's live stream. Both are merged by `seq`.

import type { Conversation, Message } from '../../api/models';
import { ApiProblem } from '../../api/client';
import { openStream } from '../../live/stream';
import { scenarioApi } from '../api';
import { clientId, poll, send, type ChatAccess, type ChatMessage } from './chat';

const WAIT_S = 20;
const RETRY_MS = 2_000;

export class TestConversation {
  readonly #scenario: string;
  readonly #onBlock: (block: string | null) => void;
  #access: ChatAccess | null = null;
  #stop: AbortController | null = null;
  #closeStream: (() => void) | null = null;

  messages = $state.raw<ChatMessage[]>([]);
  status = $state<'none' | 'starting' | 'open' | 'ended'>('none');
  isTyping = $state(false);
  isLost = $state(false);
  /** What the visitor has sent and the conversation does not show yet. */
  pending = $state<string | null>(null);
  attributes = $state.raw<Record<string, unknown>>({});
  block = $state<string | null>(null);
  error = $state.raw<unknown>(null);

  constructor(scenario: string, onBlock: (block: string | null) => void) {
    this.#scenario = scenario;
    this.#onBlock = onBlock;
  }

  async start(): Promise<void> {
    this.stop();
    this.messages = [];
    this.attributes = {};
    this.pending = null;
    this.error = null;
    this.status = 'starting';
    try {
      const started = await scenarioApi.test(this.#scenario);
      this.#access = { conversation: started.conversation_id, token: started.token };
      this.status = 'open';
      this.#follow(this.#access);
    } catch (error) {
      this.status = 'none';
      this.error = error;
    }
  }

  async say(text: string, choice?: string): Promise<void> {
    if (!this.#access || this.status !== 'open') return;
    this.pending = text;
    this.error = null;
    try {
      await send(this.#access, clientId(), text, choice);
    } catch (error) {
      this.pending = null;
      this.error = error;
    }
  }

  stop(): void {
    this.#stop?.abort();
    this.#closeStream?.();
    this.#stop = this.#closeStream = null;
    this.#access = null;
    this.status = 'none';
    this.isTyping = this.isLost = false;
    this.#at(null);
  }

  #follow(access: ChatAccess): void {
    const stop = new AbortController();
    this.#stop = stop;
    void this.#pollUntil(access, stop.signal);
    const query = { conversation_id: access.conversation };
    this.#closeStream = openStream({
      path: '/conversations/live',
      query,
      onEvent: ({ event, data }) => {
        if (event === 'message') this.#take([JSON.parse(data) as Message]);
        else if (event === 'conversation') this.#state(JSON.parse(data) as Conversation);
      },
    });
    void this.#first(access.conversation);
  }

  /** What happened before the stream was open: remarks, the block, the attributes. */
  async #first(conversation: string): Promise<void> {
    try {
      this.#state(await scenarioApi.conversation(conversation));
      this.#take((await scenarioApi.messages(conversation)).items);
    } catch {
      // The chat itself goes on; the live stream tells of the next change.
    }
  }

  async #pollUntil(access: ChatAccess, signal: AbortSignal): Promise<void> {
    let after = 0;
    let wait = 0;
    while (!signal.aborted) {
      try {
        const answer = await poll(access, after, wait, signal);
        if (signal.aborted) return;
        this.isLost = false;
        wait = WAIT_S;
        this.#take(answer.items);
        after = Math.max(after, ...answer.items.map((message) => message.seq));
        this.isTyping = answer.typing;
        if (answer.status === 'ended') {
          this.status = 'ended';
          this.isTyping = false;
          return;
        }
        if (answer.items.length === 0) await pause(answer.typing ? 400 : 150, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ApiProblem && error.status >= 400 && error.status < 500 && error.status !== 429) {
          this.error = error;
          return;
        }
        this.isLost = true;
        await pause(RETRY_MS, signal);
      }
    }
  }

  #take(items: readonly ChatMessage[]): void {
    if (items.length === 0) return;
    const known = new Map(this.messages.map((message) => [message.seq, message]));
    for (const message of items) known.set(message.seq, message);
    this.messages = [...known.values()].sort((left, right) => left.seq - right.seq);
    if (items.some((message) => message.from === 'contact')) this.pending = null;
  }

  #state(conversation: Conversation): void {
    if (conversation.id !== this.#access?.conversation) return;
    this.attributes = conversation.contact.attributes;
    this.#at(conversation.waiting.block_id ?? conversation.block_id);
    if (conversation.status === 'ended') this.status = 'ended';
  }

  #at(block: string | null): void {
    this.block = block;
    this.#onBlock(block);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
