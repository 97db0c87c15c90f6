/**
 * What the API answers, by the API's own names. The shapes are generated from the OpenAPI document (`npm run api`);
 * this file only gives them the names that the panel uses.
 */
import type { components } from './schema';

type Schemas = components['schemas'];

/** One page of a list; `next` goes back as `cursor`. */
export interface Page<T> {
  items: T[];
  next: string | null;
}

export type User = Schemas['User'];
export type ProjectRef = Schemas['ProjectName'];
export type Session = Schemas['Session'];
export type Project = Schemas['Project'];
/** The project that is on show, with what holds for its webhooks by default. */
export type ProjectSettings = Schemas['ProjectSettings'];
export type ApiKey = Schemas['ApiKey'];

export type Overview = Schemas['Overview'];
export type Demo = Schemas['Demo'];

export type DeliveryStatus = Schemas['DeliveryStatusName'];
export type DeliveryCounts = Schemas['DeliveryCounts'];

export type EndpointStatus = Schemas['EndpointStatusName'];
export type HandshakeState = Schemas['HandshakeName'];
export type EndpointFormat = Schemas['FormatName'];
export type Ordering = Schemas['OrderingName'];
export type Endpoint = Schemas['Endpoint'];
/** What the panel's form starts with. */
export type EndpointStart = Pick<
  Endpoint,
  | 'name'
  | 'url'
  | 'event_types'
  | 'format'
  | 'ordering'
  | 'headers'
  | 'retry_schedule'
  | 'timeout_seconds'
  | 'rate_limit'
  | 'max_concurrency'
  | 'disable_after_seconds'
  | 'signature'
  | 'auth'
  | 'proxy'
  | 'client_certificate'
>;
/** All fields of the panel's form; a certificate that is left out stays as it is. */
export type EndpointInput = Omit<EndpointStart, 'client_certificate'> & {
  client_certificate?: Schemas['ClientCertificateInput'] | null;
};
export type RotatedSecret = Schemas['RotatedSecret'];

export type EndpointStats = Schemas['EndpointStats'];
export type MinuteStats = Schemas['MinuteStats'];

export type EventItem = Schemas['Event'];
export type EventDetail = Schemas['EventDetail'];
export type EventType = Schemas['EventTypeDetail'];
export type EndpointTrial = Schemas['EndpointTrial'];
export type FilterTrial = Schemas['FilterTrial'];
export type TransformationTrial = Schemas['TransformationTrial'];
export type ProgramError = Schemas['ProgramError'];
export type Explanation = Schemas['Explanation'];
export type EventTrace = Schemas['EventTrace'];
export type TracedDelivery = Schemas['TracedDelivery'];
export type DeliveryWaiting = Schemas['DeliveryWaiting'];
export type Delivery = Schemas['Delivery'];
export type DeliveryDetail = Schemas['DeliveryDetail'];
export type AttemptTimings = Schemas['AttemptTimings'];
export type Attempt = Schemas['Attempt'];
export type HeaderPair = [name: string, value: string];

export type Inbox = Schemas['Inbox'];
export type InboxResponse = Schemas['InboxResponse'];
export type Signature = Schemas['Signature'];
export type CapturedRequest = Schemas['CapturedRequest'];
export type CapturedRequestDetail = Schemas['CapturedRequestDetail'];

export type Bot = Schemas['Bot'];
export type Contact = Schemas['Contact'];
export type ConversationStatus = Schemas['ConversationStatus'];
export type Speaker = Schemas['MessageSender'];
export type Conversation = Schemas['Conversation'];
export type Choice = Schemas['OfferedChoice'];
/** A message as the panel gets it, with its conversation. */
export type Message = Schemas['Message'] & { conversation_id: string };
