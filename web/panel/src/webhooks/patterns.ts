/**
 * Event types and the patterns a webhook subscribes with: a full type, a prefix followed by `.*`, or `*`.
 * The form shows built-in types in groups by their first segment and everything else in one text field.
 */
export interface TypeGroup {
  /** The first segment, for example "conversation". */
  name: string;
  /** The pattern for all of them, "conversation.*". */
  all: string;
  types: string[];
}

/** What a webhook made in the panel starts with; never `*`, for other programs' events would flood it. */
export const DEFAULT_PATTERNS = ['conversation.*', 'message.*', 'contact.*'];

const PATTERN = /^(\*|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(\.\*)?)$/;

/** Whether the API would take this pattern. */
export function isPattern(text: string): boolean {
  return text.length <= 128 && PATTERN.test(text);
}

/** The built-in types by their first segment, in the order given. */
export function groupTypes(types: readonly string[]): TypeGroup[] {
  const groups = new Map<string, TypeGroup>();
  for (const type of types) {
    const name = type.split('.')[0] ?? type;
    const group = groups.get(name) ?? { name, all: `${name}.*`, types: [] };
    group.types.push(type);
    groups.set(name, group);
  }
  return [...groups.values()];
}

/** Which patterns the groups show as checkboxes, and which are left for the text field. */
export function splitPatterns(patterns: readonly string[], groups: readonly TypeGroup[]): { known: string[]; other: string[] } {
  const shown = new Set(groups.flatMap((group) => [group.all, ...group.types]));
  return { known: patterns.filter((one) => shown.has(one)), other: patterns.filter((one) => !shown.has(one)) };
}

/** The patterns in a text, separated by spaces, commas or line ends. */
export function readPatterns(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

/** Puts both sides together: each once, and single types left out where their whole group is chosen. */
export function joinPatterns(known: readonly string[], other: readonly string[], groups: readonly TypeGroup[]): string[] {
  const covered = new Set(groups.filter((group) => known.includes(group.all)).flatMap((group) => group.types));
  return [...new Set([...known.filter((one) => !covered.has(one)), ...other])];
}
