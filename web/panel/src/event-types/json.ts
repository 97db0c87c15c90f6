/**
 * JSON in a text area: empty is nothing, everything else has to be JSON. It stays the text that somebody wrote: `1.0` and
 * long numbers would not survive being parsed.
 */
import { memberText, prettyJson } from '../text/json';
import { plain } from '../text/tokens';

export type Read = { text: string } | { wrong: string };

/** What is written, as the text to send; nothing is `null`. */
export function readJson(written: string): Read {
  const text = written.trim() || 'null';
  try {
    JSON.parse(text);
    return { text };
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) };
  }
}

/** A member of an object as a text to edit; one that is `null` or absent is empty. */
export function memberToEdit(object: string, name: string): string {
  const text = memberText(object, name) ?? 'null';
  return text === 'null' ? '' : plain(prettyJson(text) ?? [{ kind: 'plain', text }]);
}

export interface Placed {
  place: string;
  message: string;
}

/** The faults of a field and of what lies inside it: `schema` and `schema/properties/a`. */
export function faultsOf(errors: { field: string; message: string }[], field: string): Placed[] {
  return errors
    .filter((error) => error.field === field || error.field.startsWith(`${field}/`))
    .map((error) => ({ place: error.field.slice(field.length), message: error.message }));
}
