import type { Conversation } from '../api/models';
import { t } from './i18n';

/** Who a conversation is with: the contact's name, else the end of its id. */
export function contactName(conversation: Conversation): string {
  return conversation.contact.name ?? t('visitor', { id: conversation.contact.id.slice(-4) });
}
