/**
 * A live stream that stays connected: after a drop it comes back with `Last-Event-ID`, waiting a little longer each
 * time (1 s to 15 s), at once when the browser comes online again. A stream that is silent for 40 s (the server pings
 * every 15 s) is taken for dead. What arrives twice is the reader's business: keep things by id (see keyed.ts).
 */
import { problemOf, reportUnauthorized, send, type Query } from '../api/client';
import { SseParser, type SseEvent } from './sse';

export type LiveState = 'connecting' | 'open' | 'closed';

export interface StreamOptions {
  path: string;
  query?: Query;
  /** Resume after this id. */
  lastId?: string;
  onEvent: (event: SseEvent) => void;
  onState?: (state: LiveState) => void;
  /** Called each time the stream is open again after a drop, to fetch what the stream does not repeat. */
  onReopen?: () => void;
}

const SILENCE_MS = 40_000;
const WAITS_MS = [1000, 2000, 4000, 8000, 15_000];

/** Opens the stream and returns the function that closes it for good. */
export function openStream(options: StreamOptions): () => void {
  const stop = new AbortController();
  void run(options, stop.signal);
  return () => stop.abort();
}

async function run(options: StreamOptions, stop: AbortSignal): Promise<void> {
  let lastId = options.lastId ?? '';
  let failures = 0;
  let opened = false;
  options.onState?.('connecting');
  while (!stop.aborted) {
    const parser = new SseParser(lastId);
    try {
      await readOnce(options, parser, stop, () => {
        failures = 0;
        options.onState?.('open');
        if (opened) options.onReopen?.();
        opened = true;
      });
    } catch (error) {
      if (stop.aborted) return;
      const status = error instanceof Error && 'status' in error ? Number(error.status) : 0;
      if (status === 401 || status === 403 || status === 404) {
        options.onState?.('closed');
        if (status === 401) reportUnauthorized();
        return;
      }
    }
    lastId = parser.lastId;
    if (stop.aborted) return;
    options.onState?.('closed');
    await wait(WAITS_MS[Math.min(failures, WAITS_MS.length - 1)] ?? 1000, stop);
    failures += 1;
  }
}

async function readOnce(options: StreamOptions, parser: SseParser, stop: AbortSignal, open: () => void): Promise<void> {
  const once = new AbortController();
  const abort = () => once.abort();
  stop.addEventListener('abort', abort, { once: true });
  let silence = setTimeout(abort, SILENCE_MS);
  try {
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (parser.lastId) headers['last-event-id'] = parser.lastId;
    const response = await send('GET', options.path, { query: options.query, headers, signal: once.signal });
    if (!response.ok || !response.body) throw await problemOf(response);
    open();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(silence);
      silence = setTimeout(abort, SILENCE_MS);
      for (const event of parser.push(value)) if (!stop.aborted) options.onEvent(event);
    }
  } finally {
    clearTimeout(silence);
    stop.removeEventListener('abort', abort);
  }
}

function wait(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stop.removeEventListener('abort', done);
      window.removeEventListener('online', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    stop.addEventListener('abort', done);
    window.addEventListener('online', done);
  });
}
