/** One clock for all relative times on the page, so that they turn over together. */
let current = $state(Date.now());
setInterval(() => (current = Date.now()), 10_000);

/** Milliseconds since 1970, refreshed every ten seconds. */
export function now(): number {
  return current;
}
