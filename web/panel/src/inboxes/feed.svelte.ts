/**
 * The requests of one inbox: pages from the API and the live stream in one list, each request once, newest first.
 * The stream resumes behind the newest request that the list already has, so nothing is missed between the two.
 */
import { api } from '../api/client';
import type { CapturedRequest, Page } from '../api/models';
import { merge, newestFirst } from '../live/keyed';
import { openStream, type LiveState } from '../live/stream';

export class InboxFeed {
  items = $state.raw<CapturedRequest[]>([]);
  next = $state.raw<string | null>(null);
  loading = $state(true);
  loadingMore = $state(false);
  error = $state.raw<unknown>(null);
  live = $state<LiveState>('connecting');
  /** The request that came last while the page was open, for the announcement. */
  arrived = $state.raw<CapturedRequest | null>(null);
  #close: () => void = () => {};
  #deleted = new Set<string>();
  #stopped = false;

  constructor(readonly inboxId: string) {}

  /** Fetches the first page, then follows the stream. */
  async start(): Promise<void> {
    this.loading = true;
    try {
      const page = await this.#page();
      if (this.#stopped) return;
      this.items = page.items;
      this.next = page.next;
      this.error = null;
    } catch (error) {
      this.error = error;
      return;
    } finally {
      this.loading = false;
    }
    this.#close();
    this.#close = openStream({
      path: `/inboxes/${this.inboxId}/live`,
      lastId: this.items[0]?.id,
      onState: (state) => (this.live = state),
      onReopen: () => void this.#catchUp(),
      onEvent: ({ event, data }) => {
        if (event === 'request') this.#add(JSON.parse(data) as CapturedRequest);
        else if (event === 'deleted') this.forget((JSON.parse(data) as { id: string }).id);
        else if (event === 'cleared') this.clear();
      },
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#close();
  }

  async more(): Promise<void> {
    if (!this.next || this.loadingMore) return;
    this.loadingMore = true;
    try {
      const page = await this.#page(this.next);
      this.items = merge(this.items, page.items, newestFirst);
      this.next = page.next;
    } catch (error) {
      this.error = error;
    } finally {
      this.loadingMore = false;
    }
  }

  /** Takes a deleted request off the list, for good: a late copy from the stream does not bring it back. */
  forget(id: string): void {
    this.#deleted.add(id);
    this.items = this.items.filter((item) => item.id !== id);
  }

  /** Empties the list after all requests were deleted. */
  clear(): void {
    for (const item of this.items) this.#deleted.add(item.id);
    this.items = [];
    this.next = null;
  }

  #add(request: CapturedRequest): void {
    if (this.#deleted.has(request.id)) return;
    const known = this.items.some((item) => item.id === request.id);
    this.items = merge(this.items, [request], newestFirst);
    if (!known) this.arrived = request;
  }

  /** After a drop: deletions are not repeated by the stream, so the first page is compared once. */
  async #catchUp(): Promise<void> {
    try {
      const page = await this.#page();
      const oldest = page.next ? (page.items.at(-1)?.id ?? '') : '';
      const newest = page.items[0]?.id ?? '';
      const outside = this.items.filter((item) => item.id < oldest || item.id > newest);
      this.items = merge(outside, page.items, newestFirst);
    } catch {
      // The stream itself goes on; the next drop compares again.
    }
  }

  #page(cursor?: string): Promise<Page<CapturedRequest>> {
    return api.get<Page<CapturedRequest>>(`/inboxes/${this.inboxId}/requests`, { cursor });
  }
}
