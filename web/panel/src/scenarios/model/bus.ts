// The command bus: the one place where the document of an open scenario changes. Whoever shows the
// document subscribes; whoever wants a change dispatches a command.

import { apply, type Command } from './commands';
import type { ScenarioDocument } from './document';
import { History } from './history';

export interface BusState {
  document: ScenarioDocument;
  canUndo: boolean;
  canRedo: boolean;
}

export type Listener = (state: BusState) => void;

export class CommandBus {
  #document: ScenarioDocument;
  #history = new History();
  readonly #listeners = new Set<Listener>();

  constructor(document: ScenarioDocument) {
    this.#document = document;
  }

  get document(): ScenarioDocument {
    return this.#document;
  }

  get state(): BusState {
    return { document: this.#document, canUndo: this.#history.canUndo, canRedo: this.#history.canRedo };
  }

  /** Whether the command changed anything. */
  dispatch(command: Command): boolean {
    const before = this.#document;
    const after = apply(before, command);
    if (after === before) return false;
    this.#history.record(before, command);
    this.#document = after;
    this.#tell();
    return true;
  }

  undo(): void {
    this.#show(this.#history.undo(this.#document));
  }

  redo(): void {
    this.#show(this.#history.redo(this.#document));
  }

  /** Ends a piece of typing, for example when a field loses focus. */
  seal(): void {
    this.#history.seal();
  }

  /** Starts again from a document of the server, without a way back. */
  reset(document: ScenarioDocument): void {
    this.#history = new History();
    this.#document = document;
    this.#tell();
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    listener(this.state);
    return () => this.#listeners.delete(listener);
  }

  #show(document: ScenarioDocument): void {
    if (document === this.#document) return;
    this.#document = document;
    this.#tell();
  }

  #tell(): void {
    const state = this.state;
    for (const listener of this.#listeners) listener(state);
  }
}
