/**
 * Something that a button starts: while it runs the button is busy, and when it fails the page shows why. Make one in a
 * component and run it from a handler.
 */
import { ApiProblem } from './client';

export class Action {
  busy = $state(false);
  error = $state.raw<unknown>(null);
  /** The error, when the server said what is wrong, with the fields it is about. */
  readonly problem = $derived(this.error instanceof ApiProblem ? this.error : null);

  /** Runs; says whether it succeeded. */
  async run(action: () => Promise<unknown>): Promise<boolean> {
    this.busy = true;
    this.error = null;
    try {
      await action();
      return true;
    } catch (reason) {
      this.error = reason;
      return false;
    } finally {
      this.busy = false;
    }
  }
}
