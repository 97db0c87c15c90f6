import en from './en';
import { translator } from './language.svelte';
import tr from './tr';

export { language, setLanguage, translator, type Language } from './language.svelte';

/** Texts shared by all pages: navigation, words for states, common actions. */
export const t = translator({ en, tr });
