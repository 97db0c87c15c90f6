/** The parts of an attempt's time, one after another, for its waterfall. Microseconds in, shares of the whole out. */
import type { AttemptTimings } from '../api/models';

export type TimingPart = 'dns' | 'connect' | 'tls' | 'firstByte' | 'rest';

export interface TimingBar {
  part: TimingPart;
  us: number;
  /** Where it begins and how long it is, of 1000. */
  from: number;
  length: number;
}

/** The parts that took place. What was not measured between them, such as writing the request, is in the last one. */
export function waterfall({ dns_us, connect_us, tls_us, first_byte_us, total_us }: AttemptTimings): TimingBar[] {
  const bars: TimingBar[] = [];
  const whole = Math.max(total_us, 1);
  let at = 0;
  const add = (part: TimingPart, us: number | null) => {
    if (us === null) return;
    const from = Math.min(at, whole);
    const end = Math.min(at + us, whole);
    bars.push({ part, us, from: Math.round((from / whole) * 1000), length: Math.max(4, Math.round(((end - from) / whole) * 1000)) });
    at += us;
  };
  add('dns', dns_us);
  add('connect', connect_us);
  add('tls', tls_us);
  add('firstByte', first_byte_us);
  if (first_byte_us !== null && total_us > at) add('rest', total_us - at);
  return bars;
}
