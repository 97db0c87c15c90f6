/** Conditions: waiting for what shall become true, and sentences for what is not. */

const PATIENCE_MS = 20_000;
const LOOK_MS = 50;

/** Waits until `condition` gives something true and hands that on. An error counts as "not yet". */
export async function until(what, condition) {
  const end = performance.now() + PATIENCE_MS;
  let last;
  for (;;) {
    try {
      last = await condition();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw new Error(`Waited in vain: ${what}. Last seen: ${String(last)}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

export function check(condition, what) {
  if (!condition) throw new Error(what);
}

export function same(seen, expected, what) {
  if (JSON.stringify(seen) !== JSON.stringify(expected)) {
    throw new Error(`${what}: expected ${JSON.stringify(expected)}, saw ${JSON.stringify(seen)}`);
  }
}
