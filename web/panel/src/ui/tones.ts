import type { ConversationStatus, DeliveryStatus, EndpointStatus, HandshakeState, Signature } from '../api/models';
import type { Tone } from './StatusBadge.svelte';

/** The colour of each state, the same on every page. */
export const deliveryTone: Record<DeliveryStatus, Tone> = { pending: 'info', delivered: 'ok', failed: 'bad', cancelled: 'neutral' };
export const endpointTone: Record<EndpointStatus, Tone> = { active: 'ok', paused: 'warn', disabled: 'bad' };
export const handshakeTone: Record<HandshakeState, Tone> = {
  pending: 'info',
  granted: 'ok',
  unsupported: 'warn',
  refused: 'bad',
  unreachable: 'bad',
};
export const conversationTone: Record<ConversationStatus, Tone> = { open: 'ok', ended: 'neutral' };
export const signatureTone: Record<Signature, Tone> = { valid: 'ok', invalid: 'bad', unsigned: 'neutral', unchecked: 'neutral' };

/** The colour of an HTTP status. */
export function httpTone(status: number): Tone {
  if (status >= 500) return 'bad';
  if (status >= 400) return 'warn';
  return status >= 200 && status < 300 ? 'ok' : 'info';
}
