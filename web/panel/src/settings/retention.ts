/** How long a project keeps what happened: as the installation says, for some days, or for ever. */
export type Keep = 'default' | 'days' | 'ever';

const MOST_DAYS = 3650;

/** The choice that the API's `retention.days` stands for. */
export function keepOf(days: number | null): Keep {
  if (days === null) return 'default';
  return days === 0 ? 'ever' : 'days';
}

/** The API's value for a choice; `undefined` when the number of days cannot be set. */
export function readDays(keep: Keep, text: string): number | null | undefined {
  if (keep === 'default') return null;
  if (keep === 'ever') return 0;
  const days = /^\d{1,4}$/.test(text.trim()) ? Number(text) : 0;
  return days >= 1 && days <= MOST_DAYS ? days : undefined;
}
