// Saves the draft a moment after the last change. One request is under way at a time, each on top of the
// revision that the one before it made; when somebody else has saved meanwhile, saving stops and says so.

import type { ScenarioDocument } from '../model/document';

export type SaveState = 'saved' | 'waiting' | 'saving' | 'conflict' | 'failed';

export interface Saved {
  draft_revision: number;
}

export interface Timer {
  start(callback: () => void, delayMs: number): void;
  stop(): void;
}

export interface AutosaveOptions<T extends Saved> {
  save(document: ScenarioDocument, revision: number): Promise<T>;
  /** Another session saved first. */
  isConflict(error: unknown): boolean;
  /** The same document would be refused again, so only a change or the user may try again. */
  isFinal(error: unknown): boolean;
  onState(state: SaveState, error: unknown): void;
  onSaved(answer: T): void;
  timer: Timer;
}

const QUIET_MS = 700;
const RETRY_MS = 5_000;

export class Autosave<T extends Saved> {
  readonly #options: AutosaveOptions<T>;
  #revision: number;
  #unsaved: ScenarioDocument | null = null;
  #running: Promise<void> | null = null;
  #state: SaveState = 'saved';

  constructor(revision: number, options: AutosaveOptions<T>) {
    this.#revision = revision;
    this.#options = options;
  }

  get state(): SaveState {
    return this.#state;
  }

  /** Tells of a new document. */
  change(document: ScenarioDocument): void {
    this.#unsaved = document;
    if (this.#state === 'conflict') return;
    if (!this.#running) this.#show('waiting');
    this.#options.timer.start(() => void this.flush(), QUIET_MS);
  }

  /** Saves what is not saved yet; true when the server then has the newest document. */
  async flush(): Promise<boolean> {
    this.#options.timer.stop();
    while (this.#running) await this.#running;
    if (this.#unsaved !== null && this.#state !== 'conflict') {
      this.#running = this.#save(this.#unsaved);
      await this.#running;
      if (this.#unsaved !== null && this.#state === 'saved') return this.flush();
    }
    return this.#unsaved === null;
  }

  stop(): void {
    this.#options.timer.stop();
  }

  async #save(document: ScenarioDocument): Promise<void> {
    this.#unsaved = null;
    this.#show('saving');
    try {
      const answer = await this.#options.save(document, this.#revision);
      this.#revision = answer.draft_revision;
      this.#options.onSaved(answer);
      this.#show('saved');
    } catch (error) {
      this.#unsaved ??= document;
      const isConflict = this.#options.isConflict(error);
      this.#show(isConflict ? 'conflict' : 'failed', error);
      if (!isConflict && !this.#options.isFinal(error)) {
        this.#options.timer.start(() => void this.flush(), RETRY_MS);
      }
    } finally {
      this.#running = null;
    }
  }

  #show(state: SaveState, error: unknown = null): void {
    this.#state = state;
    this.#options.onState(state, error);
  }
}

/** A timer of the browser. */
export function browserTimer(): Timer {
  let handle: ReturnType<typeof setTimeout> | undefined;
  const stop = (): void => clearTimeout(handle);
  return {
    start(callback, delayMs) {
      stop();
      handle = setTimeout(callback, delayMs);
    },
    stop,
  };
}
