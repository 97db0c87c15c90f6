// Ids of new blocks. They are short words and not counters: a conversation that is under way, or an
// event already sent, may name a block that was deleted, and a new block must not be taken for it.

/** A number in [0, 1); `Math.random` in the panel, a fixed sequence in tests. */
export type RandomSource = () => number;

const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';
const LENGTH = 6;

/** An id such as `webhook_k4x9ta` that is not in `taken`. */
export function newBlockId(type: string, taken: ReadonlySet<string>, random: RandomSource): string {
  for (;;) {
    let suffix = '';
    for (let index = 0; index < LENGTH; index += 1) {
      suffix += ALPHABET[Math.floor(random() * ALPHABET.length)];
    }
    const id = `${type}_${suffix}`;
    if (!taken.has(id)) return id;
  }
}
