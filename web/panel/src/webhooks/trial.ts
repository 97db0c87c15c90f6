/** What is asked of a trial, and what programs said then, as words and tones. */
import type { EndpointTrial, FilterTrial, ProgramError, TransformationTrial } from '../api/models';
import { withMembers } from '../text/json';
import type { Tone } from '../ui/StatusBadge.svelte';

interface Said<Word extends string> {
  tone: Tone;
  word: Word;
}

/** The event and the programs to be tried, as JSON text; `data` is JSON text and stays as it is written. */
export function trialInput(
  event: { type: string; orderingKey: string; data: string },
  programs: { filter: string | null; transformation: string | null },
): string {
  // Not trimmed: the API says what is wrong with a key.
  const given = { type: event.type.trim(), ordering_key: event.orderingKey === '' ? null : event.orderingKey };
  return withMembers({ ...given, ...programs }, { data: event.data });
}

/** A filter that fails lets the event pass, which is told apart from one that says yes. */
export function filterSays({ passed, error }: FilterTrial): Said<'trial.failedPasses' | 'trial.passes' | 'trial.keepsBack'> {
  if (error) return { tone: 'warn', word: 'trial.failedPasses' };
  return passed ? { tone: 'ok', word: 'trial.passes' } : { tone: 'neutral', word: 'trial.keepsBack' };
}

export function transformationSays({ skipped, error }: TransformationTrial): Said<'trial.failed' | 'trial.skips' | 'trial.done'> {
  if (error) return { tone: 'bad', word: 'trial.failed' };
  return skipped ? { tone: 'neutral', word: 'trial.skips' } : { tone: 'ok', word: 'trial.done' };
}

/** Whether an attempt would be made with this request. */
export function wouldSend({ matches_types, filter, request }: EndpointTrial): boolean {
  return matches_types && (filter?.passed ?? true) && request !== null;
}

/** "Line 2, column 5: …", as far as the place is known. */
export function errorText({ message, line, column }: ProgramError, t: (key: 'trial.line' | 'trial.place', values: Record<string, string | number>) => string): string {
  if (line === undefined) return message;
  return column === undefined ? t('trial.line', { line, message }) : t('trial.place', { line, column, message });
}
