import { ApiProblem } from '../api/client';
import { t } from '../i18n';

/** Problems whose sentence says nothing that the page does not know: the panel puts them in the reader's language. */
const OWN_WORDS = {
  unreachable: 'error.unreachable',
  'not-found': 'error.notFound',
  'too-many-requests': 'error.tooMany',
  internal: 'error.unexpected',
} as const;

/** What to show for an error: the server's own sentence, or what to do when nothing answered. */
export function sentence(error: unknown): string {
  if (error instanceof ApiProblem) {
    const own = OWN_WORDS[error.code as keyof typeof OWN_WORDS];
    if (own) return t(own);
    if (error.errors.length < 2) return error.detail;
    return error.errors.map(({ field, message }) => (field ? `${field}: ${message}` : message)).join(' · ');
  }
  return t('error.unexpected');
}
