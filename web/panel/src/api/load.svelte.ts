/**
 * State of something that is fetched. Asking again makes the older answer void, so a slow reply never overwrites a
 * newer one. Make one in a component and call `load` from an effect.
 */
import type { Page } from './models';

/** One thing: its data, whether it is being fetched, and why it could not be. */
export class Loaded<T> {
  data = $state.raw<T | null>(null);
  error = $state.raw<unknown>(null);
  loading = $state(true);
  #turn = 0;

  /** Fetches; the old data stays on show meanwhile unless `fresh` is set. */
  async load(fetcher: () => Promise<T>, fresh = false): Promise<void> {
    const turn = ++this.#turn;
    this.loading = true;
    if (fresh) this.data = null;
    try {
      const data = await fetcher();
      if (turn !== this.#turn) return;
      this.data = data;
      this.error = null;
    } catch (error) {
      if (turn === this.#turn) this.error = error;
    } finally {
      if (turn === this.#turn) this.loading = false;
    }
  }

  /** Puts a newer copy in place, for example the answer to a change; replies still on their way are void. */
  set(data: T): void {
    this.#turn += 1;
    this.data = data;
    this.error = null;
    this.loading = false;
  }
}

/** A list fetched page by page. */
export class LoadedList<T> {
  items = $state.raw<T[]>([]);
  next = $state.raw<string | null>(null);
  error = $state.raw<unknown>(null);
  loading = $state(true);
  loadingMore = $state(false);
  /** Whether the last refresh failed, so that what is shown may be old. */
  stale = $state(false);
  #fetcher: ((cursor?: string) => Promise<Page<T>>) | null = null;
  #turn = 0;

  /** Fetches the first page. */
  async load(fetcher: (cursor?: string) => Promise<Page<T>>, fresh = true): Promise<void> {
    const turn = ++this.#turn;
    this.#fetcher = fetcher;
    this.loading = true;
    this.loadingMore = false;
    if (fresh) {
      this.items = [];
      this.next = null;
    }
    try {
      const page = await fetcher();
      if (turn !== this.#turn) return;
      this.items = page.items;
      this.next = page.next;
      this.error = null;
      this.stale = false;
    } catch (error) {
      if (turn === this.#turn) this.error = error;
    } finally {
      if (turn === this.#turn) this.loading = false;
    }
  }

  /** Fetches the first page again without disturbing the pages behind it; failures are left to the next time. */
  async refresh(idOf: (item: T) => string): Promise<void> {
    if (!this.#fetcher || this.loading || this.loadingMore) return;
    const turn = this.#turn;
    try {
      const page = await this.#fetcher();
      if (turn !== this.#turn || this.loadingMore) return;
      const oldest = page.items.at(-1);
      const behind = oldest && page.next ? this.items.filter((item) => idOf(item) < idOf(oldest)) : [];
      if (behind.length === 0) this.next = page.next;
      this.items = [...page.items, ...behind];
      this.error = null;
      this.stale = false;
    } catch {
      // The list on show stays; the next refresh or the user's next step tells.
      if (turn === this.#turn) this.stale = true;
    }
  }

  /** Fetches the next page and adds it. */
  async more(): Promise<void> {
    if (!this.#fetcher || !this.next || this.loadingMore) return;
    const turn = this.#turn;
    this.loadingMore = true;
    try {
      const page = await this.#fetcher(this.next);
      if (turn !== this.#turn) return;
      this.items = [...this.items, ...page.items];
      this.next = page.next;
      this.error = null;
    } catch (error) {
      if (turn === this.#turn) this.error = error;
    } finally {
      if (turn === this.#turn) this.loadingMore = false;
    }
  }
}
