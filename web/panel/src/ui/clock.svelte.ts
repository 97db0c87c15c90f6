/** One clock for all relative times on the page, so that they turn over together. */
let current = $state(Date.now());
setInterval(() => (current = Date.now()), 1000);

/** Milliseconds since 1970, refreshed every second. */
export function now(): number {
  return current;
}
