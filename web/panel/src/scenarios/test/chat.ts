// The public chat API as the test drawer uses it: the very way that a visitor's widget may take.

import { ApiProblem, problemOf } from '../../api/client';
import type { ConversationStatus, Message } from '../../api/models';

export type ChatMessage = Omit<Message, 'conversation_id'>;

export interface Poll {
  items: ChatMessage[];
  status: ConversationStatus;
  typing: boolean;
}

export interface ChatAccess {
  conversation: string;
  token: string;
}

async function call<T>(access: ChatAccess, path: string, init: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/chat/v1/conversations/${access.conversation}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${access.token}`, 'content-type': 'application/json' },
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiProblem(0, 'unreachable', '');
  }
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as T;
}

/** Waits up to `waitSeconds` for messages after `after`. */
export function poll(access: ChatAccess, after: number, waitSeconds: number, signal: AbortSignal): Promise<Poll> {
  return call<Poll>(access, `/messages?after=${after}&wait=${waitSeconds}`, { signal });
}

export function send(access: ChatAccess, clientId: string, text: string, choice?: string): Promise<{ seq: number }> {
  const body = JSON.stringify(choice === undefined ? { client_id: clientId, text } : { client_id: clientId, text, choice });
  return call<{ seq: number }>(access, '/messages', { method: 'POST', body });
}

/** A fresh id for one message. `crypto.randomUUID` is missing on plain HTTP, where a panel may well be served. */
export function clientId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
