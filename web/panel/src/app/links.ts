/**
 * Every address inside the panel. Pages link through these functions, so a renamed route is a compile error.
 */
export type LinkQuery = Record<string, string | null | undefined>;

function to(path: string, query: LinkQuery = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) search.set(name, value);
  const text = search.toString();
  return `#${path}${text ? `?${text}` : ''}`;
}

const id = encodeURIComponent;

export const links = {
  overview: () => to('/'),
  conversations: (query: { bot_id?: string; status?: string } = {}) => to('/conversations', query),
  conversation: (conversation: string, query: { bot_id?: string; status?: string } = {}) =>
    to(`/conversations/${id(conversation)}`, query),
  scenarios: () => to('/scenarios'),
  scenario: (scenario: string) => to(`/scenarios/${id(scenario)}`),
  webhooks: () => to('/webhooks'),
  newWebhook: (query: { inbox?: string } = {}) => to('/webhooks/new', query),
  webhook: (endpoint: string) => to(`/webhooks/${id(endpoint)}`),
  editWebhook: (endpoint: string) => to(`/webhooks/${id(endpoint)}/edit`),
  events: (query: { type?: string } = {}) => to('/events', query),
  event: (event: string) => to(`/events/${id(event)}`),
  deliveries: (query: { status?: string; endpoint_id?: string; event_id?: string } = {}) => to('/deliveries', query),
  delivery: (delivery: string) => to(`/deliveries/${id(delivery)}`),
  eventTypes: () => to('/event-types'),
  newEventType: () => to('/event-types/new'),
  eventType: (name: string) => to(`/event-types/type/${id(name)}`),
  inboxes: () => to('/inboxes'),
  inbox: (inbox: string) => to(`/inboxes/${id(inbox)}`),
  inboxRequest: (inbox: string, request: string) => to(`/inboxes/${id(inbox)}/requests/${id(request)}`),
  inboxSettings: (inbox: string) => to(`/inboxes/${id(inbox)}/settings`),
  settings: (tab?: string) => to(tab ? `/settings/${id(tab)}` : '/settings'),
};

/** Reads one value from the router's query text. */
export function queryValue(querystring: string | undefined, name: string): string {
  return new URLSearchParams(querystring ?? '').get(name) ?? '';
}
