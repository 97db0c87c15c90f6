/**
 * Conversations and the messages of the chosen one, by one live stream. Pages are fetched once; after a drop what
 * the stream may not have repeated is fetched again, and everything is kept once by its id.
 */
import { api } from '../api/client';
import type { Conversation, Message, Page } from '../api/models';
import { bySequence, lastUpdatedFirst, merge } from '../live/keyed';
import { openStream, type LiveState } from '../live/stream';

export interface ConversationFilter {
  bot_id: string;
  status: string;
}

const MESSAGE_PAGE = 200;

export class ConversationFeed {
  items = $state.raw<Conversation[]>([]);
  next = $state.raw<string | null>(null);
  loading = $state(true);
  loadingMore = $state(false);
  error = $state.raw<unknown>(null);
  live = $state<LiveState>('connecting');

  /** The chosen conversation; kept apart from the list, which may be filtered. */
  chosen = $state.raw<Conversation | null>(null);
  messages = $state.raw<Message[]>([]);
  messagesLoading = $state(false);
  chosenError = $state.raw<unknown>(null);

  #filter: ConversationFilter = { bot_id: '', status: '' };
  #chosenId: string | null = null;
  #turn = 0;

  /** Connects; returns the function that disconnects. */
  connect(): () => void {
    return openStream({
      path: '/conversations/live',
      onState: (state) => (this.live = state),
      onReopen: () => void this.#catchUp(),
      onEvent: ({ event, data }) => {
        if (event === 'message') this.#addMessage(JSON.parse(data) as Message);
        else if (event === 'conversation') this.#addConversation(JSON.parse(data) as Conversation);
        else if (event === 'resync') void this.#catchUp();
      },
    });
  }

  /** Fetches the list for a filter. */
  async show(filter: ConversationFilter): Promise<void> {
    const turn = ++this.#turn;
    this.#filter = filter;
    this.items = [];
    this.next = null;
    this.loading = true;
    try {
      const page = await this.#page();
      if (turn !== this.#turn) return;
      this.items = merge(this.items, page.items, lastUpdatedFirst);
      this.next = page.next;
      this.error = null;
    } catch (error) {
      if (turn === this.#turn) this.error = error;
    } finally {
      if (turn === this.#turn) this.loading = false;
    }
  }

  async more(): Promise<void> {
    if (!this.next || this.loadingMore) return;
    const turn = this.#turn;
    this.loadingMore = true;
    try {
      const page = await this.#page(this.next);
      if (turn !== this.#turn) return;
      this.items = merge(this.items, page.items, lastUpdatedFirst);
      this.next = page.next;
    } catch (error) {
      this.error = error;
    } finally {
      this.loadingMore = false;
    }
  }

  /** Chooses a conversation and fetches all that was said in it; null chooses none. */
  async choose(id: string | null): Promise<void> {
    this.#chosenId = id;
    this.messages = [];
    this.chosen = null;
    this.chosenError = null;
    if (!id) return;
    this.messagesLoading = true;
    try {
      const conversation = await api.get<Conversation>(`/conversations/${id}`);
      if (this.#chosenId !== id) return;
      this.chosen = conversation;
      await this.#fetchMessages(id, 0);
    } catch (error) {
      if (this.#chosenId === id) this.chosenError = error;
    } finally {
      if (this.#chosenId === id) this.messagesLoading = false;
    }
  }

  /** Fetches the messages behind `after` page by page. */
  async #fetchMessages(id: string, after: number): Promise<void> {
    let cursor: string | undefined;
    do {
      const query = { after: after || undefined, limit: MESSAGE_PAGE, cursor };
      const page: Page<Message> = await api.get<Page<Message>>(`/conversations/${id}/messages`, query);
      if (this.#chosenId !== id) return;
      this.messages = merge(this.messages, page.items, bySequence);
      cursor = page.next ?? undefined;
    } while (cursor);
  }

  #addMessage(message: Message): void {
    if (message.conversation_id === this.#chosenId) this.messages = merge(this.messages, [message], bySequence);
  }

  #addConversation(conversation: Conversation): void {
    if (conversation.id === this.#chosenId) this.chosen = conversation;
    const { bot_id, status } = this.#filter;
    const fits = (!bot_id || conversation.bot_id === bot_id) && (!status || conversation.status === status);
    this.items = fits
      ? merge(this.items, [conversation], lastUpdatedFirst)
      : this.items.filter((item) => item.id !== conversation.id);
  }

  async #catchUp(): Promise<void> {
    try {
      const page = await this.#page();
      this.items = merge(this.items, page.items, lastUpdatedFirst);
      const id = this.#chosenId;
      if (!id) return;
      const conversation = await api.get<Conversation>(`/conversations/${id}`);
      if (this.#chosenId !== id) return;
      this.chosen = conversation;
      await this.#fetchMessages(id, this.messages.at(-1)?.seq ?? 0);
    } catch {
      // The stream itself goes on; the next drop fetches again.
    }
  }

  #page(cursor?: string): Promise<Page<Conversation>> {
    return api.get<Page<Conversation>>('/conversations', { ...this.#filter, cursor });
  }
}
