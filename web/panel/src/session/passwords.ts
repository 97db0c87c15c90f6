/** The rules that set-up checks before asking the server, which has the last word. */
export const PASSWORD_MIN = 10;

/** Only what no address can do without; the server does the rest. */
export function looksLikeEmail(text: string): boolean {
  return /^[^\s@]+@[^\s@]+$/.test(text.trim());
}

/** Characters as people count them, so that an emoji is one. */
export function passwordLength(text: string): number {
  return [...text].length;
}
