import { ApiProblem } from '../api/client';
import { t } from '../i18n';

/** What to show for an error: the server's own sentence, or what to do when nothing answered. */
export function sentence(error: unknown): string {
  if (error instanceof ApiProblem) {
    if (error.code === 'unreachable') return t('error.unreachable');
    const fields = error.errors.map((one) => one.message).filter((message) => !error.detail.includes(message));
    return [error.detail, ...fields].join(' ');
  }
  return t('error.unexpected');
}
