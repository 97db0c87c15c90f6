import { translator } from '../../i18n';
import en from './en';
import tr from './tr';

/** Texts of the scenario pages. */
export const t = translator({ en, tr });
export type TextKey = keyof typeof en;

export function hasText(key: string): key is TextKey {
  return key in en;
}
