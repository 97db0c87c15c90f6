/** The number that a dry run answers, asked anew when its question changes; an older answer never replaces a newer one. */
import { api } from '../api/client';

export class DryRun {
  count = $state<number | null>(null);
  error = $state.raw<unknown>(null);
  #turn = 0;

  async ask(path: string, body: Record<string, unknown>): Promise<void> {
    const turn = ++this.#turn;
    this.count = null;
    this.error = null;
    try {
      const { count } = await api.post<{ count: number }>(path, { ...body, dry_run: true });
      if (turn === this.#turn) this.count = count;
    } catch (reason) {
      if (turn === this.#turn) this.error = reason;
    }
  }
}
