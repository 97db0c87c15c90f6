import type { Inbox } from '../api/models';
import { t } from './i18n';

/** What to call an inbox: its name, else the beginning of its address. */
export function inboxName(inbox: Pick<Inbox, 'name' | 'slug'>): string {
  if (inbox.name) return inbox.name;
  const slug = inbox.slug.length > 12 ? `${inbox.slug.slice(0, 8)}…` : inbox.slug;
  return t('unnamed', { slug });
}
