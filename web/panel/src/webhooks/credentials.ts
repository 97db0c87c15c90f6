/**
 * Credentials of a webhook between the API's shape and the form's fields. What is stored comes as a mask; a mask that
 * is sent back keeps it.
 */
import type { Endpoint } from '../api/models';

export type Auth = Endpoint['auth'];

export interface AuthFields {
  kind: 'none' | 'basic' | 'bearer';
  username: string;
  password: string;
  token: string;
}

/** What stands for a stored secret. */
export const MASK = '••••';

export function authFieldsOf(auth: Auth): AuthFields {
  return { kind: auth?.type ?? 'none', username: auth?.username ?? '', password: auth?.password ?? '', token: auth?.token ?? '' };
}

export function authOf(fields: AuthFields): Auth {
  if (fields.kind === 'none') return null;
  if (fields.kind === 'bearer') return { type: 'bearer', token: fields.token };
  return { type: 'basic', username: fields.username, password: fields.password };
}
