/**
 * Lists that are fed from two sides, pages fetched and events streamed, in any order and more than once.
 * Each item is kept once by its id; the newer copy wins.
 */
export interface Identified {
  id: string;
}

/** Puts `incoming` into `current` so that each id is there once, sorted by `order`. */
export function merge<T extends Identified>(current: readonly T[], incoming: readonly T[], order: (a: T, b: T) => number): T[] {
  const byId = new Map(current.map((item) => [item.id, item]));
  for (const item of incoming) byId.set(item.id, item);
  return [...byId.values()].sort(order);
}

/** Ids carry their time (UUIDv7), so the greater id is the newer thing. */
export function newestFirst(a: Identified, b: Identified): number {
  return a.id < b.id ? 1 : a.id > b.id ? -1 : 0;
}

/** For lists by last change, such as conversations. */
export function lastUpdatedFirst(a: Identified & { updated_at: string }, b: Identified & { updated_at: string }): number {
  if (a.updated_at === b.updated_at) return newestFirst(a, b);
  return a.updated_at < b.updated_at ? 1 : -1;
}

/** For messages of one conversation. */
export function bySequence(a: { seq: number }, b: { seq: number }): number {
  return a.seq - b.seq;
}
