// The scenario calls of the API, by the names of the API.

import { api } from '../api/client';
import type { Bot, Conversation, Endpoint, Message, Page } from '../api/models';
import type { ScenarioDocument } from './model/document';
import type { Problem } from './model/problems';

export interface PublishedVersion {
  version_id: string;
  number: number;
  published_at: string;
}

/** A scenario as lists show it. */
export interface ScenarioItem {
  id: string;
  bot_id: string;
  bot_name: string;
  name: string;
  draft_revision: number;
  published: PublishedVersion | null;
  active: boolean;
  created_at: string;
  updated_at: string;
}

export interface Scenario extends ScenarioItem {
  draft: ScenarioDocument;
  problems: Problem[];
}

export interface TestConversation {
  conversation_id: string;
  token: string;
}

/** Follows a list to its end, whatever its page size; for lists that people keep short (bots, scenarios, webhooks). */
async function all<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await api.get<Page<T>>(path, { cursor });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return items;
}

export const scenarioApi = {
  list: () => all<ScenarioItem>('/scenarios'),
  bots: () => all<Bot>('/bots'),
  endpoints: () => all<Endpoint>('/endpoints'),
  get: (id: string) => api.get<Scenario>(`/scenarios/${id}`),
  bot: (id: string) => api.get<Bot>(`/bots/${id}`),
  createBot: (name: string, language: Bot['language']) => api.post<Bot>('/bots', { name, language }),
  changeBot: (id: string, change: Partial<Pick<Bot, 'name' | 'language' | 'allowed_origins'>>) =>
    api.patch<Bot>(`/bots/${id}`, change),
  removeBot: (id: string) => api.delete(`/bots/${id}`),
  create: (bot: string, name: string, draft?: ScenarioDocument) =>
    api.post<Scenario>(`/bots/${bot}/scenarios`, draft ? { name, draft } : { name }),
  rename: (id: string, name: string) => api.patch<Scenario>(`/scenarios/${id}`, { name }),
  remove: (id: string) => api.delete(`/scenarios/${id}`),
  saveDraft: (id: string, draft: ScenarioDocument, revision: number) =>
    api.put<Scenario>(`/scenarios/${id}/draft`, draft, { query: { revision } }),
  publish: (id: string) => api.post<PublishedVersion>(`/scenarios/${id}/publish`),
  conversation: (id: string) => api.get<Conversation>(`/conversations/${id}`),
  messages: (conversation: string) => api.get<Page<Message>>(`/conversations/${conversation}/messages`),
  test: (id: string) => api.post<TestConversation>(`/scenarios/${id}/test`),
};
