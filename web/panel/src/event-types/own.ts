/** The sentences about Kanca's own types. */
export const OWN = {
  'conversation.started': 'own.conversation.started',
  'message.received': 'own.message.received',
  'message.sent': 'own.message.sent',
  'conversation.keyword': 'own.conversation.keyword',
  'conversation.idle': 'own.conversation.idle',
  'conversation.ended': 'own.conversation.ended',
  'conversation.handed_over': 'own.conversation.handed_over',
  'contact.created': 'own.contact.created',
  'contact.updated': 'own.contact.updated',
  'endpoint.disabled': 'own.endpoint.disabled',
  'delivery.failed': 'own.delivery.failed',
} as const;
