import { translator } from '../../i18n';
import en from './en';
import tr from './tr';

/** This folder's texts. */
export const t = translator({ en, tr });
