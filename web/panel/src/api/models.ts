/**
 * What the API answers, by the API's own names (snake_case). Times are RFC 3339 UTC texts.
 */

/** One page of a list; `next` goes back as `cursor`. */
export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface User {
  id: string;
  email: string;
}

export interface ProjectRef {
  id: string;
  name: string;
}

export interface Session {
  state: 'setup' | 'login' | 'ready';
  user: User | null;
  project: ProjectRef | null;
  version: string;
  public_url: string;
  inbox_url: string;
}

export interface Project extends ProjectRef {
  created_at: string;
  /** Only in the answer to creation. */
  key?: string;
}

export interface ApiKey {
  id: string;
  name: string;
  /** Only in the answer to creation. */
  key?: string;
  hint: string;
  created_at: string;
  last_used_at: string | null;
}

export type DeliveryStatus = 'pending' | 'delivered' | 'failed' | 'cancelled';
export type DeliveryCounts = Record<DeliveryStatus, number>;

export interface Overview {
  endpoints: number;
  inboxes: number;
  bots: number;
  conversations: { total: number; open: number; today: number };
  events_today: number;
  deliveries: DeliveryCounts;
  demo: Demo | null;
}

export interface Demo {
  bot_id: string;
  inbox_id: string;
  scenario_id: string;
  endpoint_id: string;
  url: string;
}

export type EndpointStatus = 'active' | 'paused' | 'disabled';
export type EndpointFormat = 'json' | 'xml' | 'form';
export type Ordering = 'key' | 'none';

export interface Endpoint {
  id: string;
  name: string;
  url: string;
  /** null = all events. */
  event_types: string[] | null;
  format: EndpointFormat;
  ordering: Ordering;
  /** Values come back as "••••"; sending that keeps the stored value. */
  headers: Record<string, string>;
  status: EndpointStatus;
  disabled_reason: string | null;
  inbox_id: string | null;
  counts: DeliveryCounts;
  created_at: string;
  updated_at: string;
  /** Only in the answer to creation. */
  secret?: string;
}

export interface EndpointInput {
  name: string;
  url: string;
  event_types: string[] | null;
  format: EndpointFormat;
  ordering: Ordering;
  headers: Record<string, string>;
}

export interface EventItem {
  id: string;
  type: string;
  timestamp: string;
  created_at: string;
  ordering_key: string | null;
  deliveries: DeliveryCounts;
}

export interface EventDetail extends EventItem {
  data: unknown;
  idempotency_key: string | null;
  explanation: { endpoint_id: string | null; endpoint_name: string | null; reason: string }[];
}

export interface Delivery {
  id: string;
  event_id: string;
  event_type: string;
  endpoint_id: string;
  endpoint_name: string;
  status: DeliveryStatus;
  attempt_count: number;
  next_attempt_at: string | null;
  /** Waits behind an earlier delivery of its ordering key. */
  held: boolean;
  last_reason: string | null;
  ordering_key: string | null;
  created_at: string;
  completed_at: string | null;
}

export type HeaderPair = [name: string, value: string];

export interface Attempt {
  id: string;
  number: number;
  started_at: string;
  duration_ms: number;
  outcome: 'success' | 'failure';
  reason_code: string;
  reason: string;
  manual: boolean;
  request: { method: string; url: string; headers: HeaderPair[]; body: string };
  response: { status: number; headers: HeaderPair[]; body: string; truncated: boolean } | null;
}

export interface DeliveryDetail extends Delivery {
  format: EndpointFormat;
  attempts: Attempt[];
  curl: string;
}

export interface InboxResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export interface Inbox {
  id: string;
  name: string;
  slug: string;
  url: string;
  response: InboxResponse;
  has_signing_secret: boolean;
  request_count: number;
  last_request_at: string | null;
  created_at: string;
}

export type Signature = 'valid' | 'invalid' | 'unsigned' | 'unchecked';

export interface CapturedRequest {
  id: string;
  inbox_id: string;
  received_at: string;
  method: string;
  target: string;
  content_type: string | null;
  size: number;
  remote_addr: string;
  oversize: boolean;
  response_status: number;
  duration_us: number;
  signature: Signature;
  signature_detail: string | null;
}

export interface CapturedRequestDetail extends CapturedRequest {
  headers: HeaderPair[];
  /** base64 of the exact bytes. */
  body: string;
}

export interface Bot {
  id: string;
  name: string;
  allowed_origins: string[];
  active_scenario_id: string | null;
  chat_url: string;
  language: 'en' | 'tr';
  created_at: string;
  /** Only in the answer to creation. */
  identity_secret?: string;
}

export interface Contact {
  id: string;
  name: string | null;
  attributes: Record<string, unknown>;
}

export type ConversationStatus = 'open' | 'ended';
export type Speaker = 'contact' | 'bot' | 'agent' | 'note';

export interface Conversation {
  id: string;
  bot_id: string;
  bot_name: string;
  scenario_id: string;
  version_id: string | null;
  contact: Contact;
  status: ConversationStatus;
  test: boolean;
  last_message: { from: Speaker; text: string; at: string } | null;
  message_count: number;
  waiting: { kind: 'visitor' | 'webhook' | 'timer' | 'nothing'; block_id: string | null };
  block_id: string | null;
  created_at: string;
  updated_at: string;
}

export interface Choice {
  id: string;
  label: string;
  url?: string;
}

export interface Message {
  id: string;
  conversation_id: string;
  seq: number;
  from: Speaker;
  type: 'text' | 'choices';
  text: string;
  choices?: Choice[];
  choice_style?: 'buttons' | 'quick_replies';
  block_id: string | null;
  created_at: string;
}
