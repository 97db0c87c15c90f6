/**
 * Reading Server-Sent Events from text chunks, by the HTML standard's rules (fields `event`, `data`, `id`; comments
 * begin with a colon; an empty line ends an event). Written out because `EventSource` cannot send request headers,
 * and the panel needs one to name the project.
 */
export interface SseEvent {
  event: string;
  data: string;
  /** The last id seen so far, the resume point. */
  id: string;
}

export class SseParser {
  #rest = '';
  #event = '';
  #data: string[] = [];
  /** The last event id, kept over reconnects by the caller. */
  lastId: string;

  constructor(lastId = '') {
    this.lastId = lastId;
  }

  /** Takes a chunk in and gives the events that are now complete. Chunks may end anywhere. */
  push(chunk: string): SseEvent[] {
    const text = this.#rest + chunk;
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    const events: SseEvent[] = [];
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0) {
          events.push({ event: this.#event || 'message', data: this.#data.join('\n'), id: this.lastId });
        }
        this.#event = '';
        this.#data = [];
      } else {
        this.#field(line);
      }
    }
    return events;
  }

  #field(line: string): void {
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.#event = value;
    else if (name === 'data') this.#data.push(value);
    else if (name === 'id' && !value.includes('\0')) this.lastId = value;
  }
}
