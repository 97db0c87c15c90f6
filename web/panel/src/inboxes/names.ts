import type { Inbox } from '../api/models';
import { t } from './i18n';

/** What to call an inbox: its name, else the beginning of its address. */
export function inboxName(inbox: Pick<Inbox, 'name' | 'slug'>): string {
  if (inbox.name) return inbox.name;
  const slug = inbox.slug.length > 12 ? `${inbox.slug.slice(0, 8)}…` : inbox.slug;
  return t('unnamed', { slug });
}

/** What a request's target has beyond the inbox's own address: the part in which the requests of one inbox differ. */
export function tailOf(target: string, inboxUrl: string): string {
  const base = new URL(inboxUrl).pathname;
  const tail = target.slice(base.length);
  return target.startsWith(base) && /^([/?]|$)/.test(tail) ? tail : target;
}
