/**
 * Light, dark or as the system says. The choice is a data attribute on <html>; the colours themselves are
 * `light-dark()` pairs in styles/tokens.css, so no component needs to know the theme.
 */
export type Theme = 'system' | 'light' | 'dark';

const KEY = 'kanca.theme';

function stored(): Theme {
  const value = localStorage.getItem(KEY);
  return value === 'light' || value === 'dark' ? value : 'system';
}

let current = $state<Theme>(stored());

/** The chosen theme; reading it in a component follows changes. */
export function theme(): Theme {
  return current;
}

/** Chooses a theme and remembers it in this browser. */
export function setTheme(value: Theme): void {
  current = value;
  if (value === 'system') localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, value);
  applyTheme();
}

/** Puts the theme on the document; called once before the panel is shown. */
export function applyTheme(): void {
  document.documentElement.dataset.theme = current;
}
