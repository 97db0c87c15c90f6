/** JSON in a text area: empty is nothing, everything else has to be JSON. */

export type Read = { value: unknown } | { wrong: string };

/** What a text says; an empty one says `null`. */
export function readJson(text: string): Read {
  if (!text.trim()) return { value: null };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) };
  }
}

/** A value as a text to edit; `null` is an empty one. */
export function jsonText(value: unknown): string {
  return value === null || value === undefined ? '' : JSON.stringify(value, null, 2);
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
