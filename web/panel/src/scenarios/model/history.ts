// Undo and redo by keeping documents, not inverse commands: documents share what did not change, and a
// kept document cannot be wrong. Typing into one field is one step until another field or a pause seals it.

import type { Command } from './commands';
import type { ScenarioDocument } from './document';

const STEPS = 200;

export class History {
  readonly #past: ScenarioDocument[] = [];
  #future: ScenarioDocument[] = [];
  #open: string | null = null;

  /** Remembers `before`, the document as it was before `command`. */
  record(before: ScenarioDocument, command: Command): void {
    const step = stepOf(command);
    this.#future = [];
    if (step !== null && step === this.#open) return;
    this.#open = step;
    this.#past.push(before);
    if (this.#past.length > STEPS) this.#past.shift();
  }

  /** Ends the present step; what follows is undone apart from it. */
  seal(): void {
    this.#open = null;
  }

  undo(present: ScenarioDocument): ScenarioDocument {
    return this.#step(this.#past, this.#future, present);
  }

  redo(present: ScenarioDocument): ScenarioDocument {
    return this.#step(this.#future, this.#past, present);
  }

  get canUndo(): boolean {
    return this.#past.length > 0;
  }

  get canRedo(): boolean {
    return this.#future.length > 0;
  }

  #step(from: ScenarioDocument[], to: ScenarioDocument[], present: ScenarioDocument): ScenarioDocument {
    this.seal();
    const document = from.pop();
    if (document === undefined) return present;
    to.push(present);
    return document;
  }
}

function stepOf(command: Command): string | null {
  return command.kind === 'update_block' && command.field !== undefined
    ? `${command.block.id} ${command.field}`
    : null;
}
