/**
 * The panel's language and its texts. Each folder keeps its own dictionaries (`i18n/en.ts`, `i18n/tr.ts`) and makes
 * its typed `t` with `translator`, so a missing key is a compile error and a text is found beside its page.
 *
 * Texts may hold `{name}` (filled in) and `{n|one|other}` (the form that the number n takes in the language).
 */
export type Language = 'en' | 'tr';
export type Params = Record<string, string | number>;

const KEY = 'kanca.language';

function initial(): Language {
  const stored = localStorage.getItem(KEY);
  if (stored === 'en' || stored === 'tr') return stored;
  return navigator.language.toLowerCase().startsWith('tr') ? 'tr' : 'en';
}

const first = initial();
let current = $state<Language>(first);
document.documentElement.lang = first;

/** The language now; reading it in a component follows changes. */
export function language(): Language {
  return current;
}

/** Chooses the language and remembers it in this browser. */
export function setLanguage(value: Language): void {
  current = value;
  localStorage.setItem(KEY, value);
  document.documentElement.lang = value;
}

/** Fills a text's places in; unknown places stay visible, so that a mistake is seen. */
export function fill(text: string, params: Params, lang: Language): string {
  return text.replace(/\{(\w+)(?:\|([^|}]*)\|([^|}]*))?\}/g, (whole, name: string, one?: string, other?: string) => {
    const value = params[name];
    if (value === undefined) return whole;
    if (one !== undefined && other !== undefined) {
      return new Intl.PluralRules(lang).select(Number(value)) === 'one' ? one : other;
    }
    return typeof value === 'number' ? new Intl.NumberFormat(lang).format(value) : value;
  });
}

/** Makes a typed `t(key, params?)` over a pair of dictionaries with the same keys. */
export function translator<K extends string>(texts: { en: Record<K, string>; tr: Record<K, string> }) {
  return (key: K, params: Params = {}): string => fill(texts[current][key], params, current);
}
