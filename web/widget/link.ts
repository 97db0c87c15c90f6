/**
 * The line to the server for one conversation: a socket, or, where sockets fail twice in a row (proxies), long polls and
 * posts, with another try of the socket now and then. It comes back by itself after a drop, asking for what came after
 * the cursor, so nothing is lost; the timeline sees to it that nothing is doubled.
 *
 * It carries one outgoing message at a time and keeps none: what was not acknowledged when the line dropped is the
 * session's to send again.
 */

import type { Api } from './api';
import type { Batch, Conversation, Env, Frame, Message, Outgoing, Refusal, Status } from './protocol';

/** What the line tells the session. */
export interface LinkEvents {
  /** The sequence number to continue after. */
  cursor(): number;
  /** The conversation is over: a line that drops now need not come back. */
  finished(): boolean;
  /** Messages can be sent from now on. */
  up(status: Status): void;
  down(): void;
  message(message: Message): void;
  typing(on: boolean): void;
  status(status: Status): void;
  acknowledged(clientId: string, seq: number): void;
  /** A message, or with no `clientId` perhaps the conversation itself, was refused. */
  refused(refusal: Refusal, clientId?: string): void;
}

/** The line. */
export interface Link {
  start(conversation: Conversation): void;
  stop(): void;
  isUp(): boolean;
  send(message: Outgoing): void;
  /** Drops the line, if any, and connects anew at once: after `online`, or when an acknowledgement is overdue. */
  restart(): void;
  /** Connects now if it was waiting to, or if the line has been silent so long that it may be dead. */
  wake(): void;
}

/** A socket gets this long to say `ready`. */
const READY_MS = 10_000;
/** A line that held this long was good: the next failure starts with the shortest pause. */
const GOOD_MS = 10_000;
/** After this long without a frame, a tab that is looked at again does not trust its socket. */
const SILENT_MS = 60_000;
/** The first try of the socket while polling; each later one after twice as long, at most `SOCKET_MAX_MS`. */
const SOCKET_AGAIN_MS = 60_000;
const SOCKET_MAX_MS = 1_800_000;
const POLL_SECONDS = 25;
/** Refusals of the conversation that asking again does not change. */
const FINAL = [401, 403, 404, 410];

/** The pause before try number `attempt` (from 0): it doubles from 0.5 s to 30 s, each between half and the whole of it. */
export function backoff(attempt: number, random: number): number {
  return Math.min(30_000, 500 * 2 ** attempt) * (0.5 + random / 2);
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A line that is not connected yet. */
export function createLink(env: Env, api: Api, on: LinkEvents): Link {
  let conversation: Conversation | null = null;
  let close: (() => void) | null = null; // Ends the present socket, poll or pause.
  let transmit: ((message: Outgoing) => void) | null = null; // Set while the line is up.
  let waiting = false;
  let attempt = 0;
  let socketFailures = 0;
  let socketAgainAt = 0;
  let socketPause = SOCKET_AGAIN_MS;
  let heardAt = 0;

  function setUp(status: Status, how: (message: Outgoing) => void) {
    transmit = how;
    on.up(status);
  }

  function cut() {
    waiting = false;
    close?.();
    close = null;
    if (transmit) {
      transmit = null;
      on.down();
    }
  }

  function connect() {
    cut();
    if (!conversation) return;
    if (socketFailures < 2) openSocket(conversation);
    else poll(conversation);
  }

  function later(ms: number) {
    cut();
    if (!conversation || on.finished()) return;
    waiting = true;
    const timer = setTimeout(connect, ms);
    close = () => clearTimeout(timer);
  }

  const pause = () => backoff(attempt++, env.random());

  function openSocket(to: Conversation) {
    let readyAt = 0;
    let socket: WebSocket;
    try {
      socket = env.socket(api.socketUrl);
    } catch {
      return lost(); // Forbidden by the page's policy.
    }
    const timer = setTimeout(lost, READY_MS);
    close = () => {
      clearTimeout(timer);
      socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
      socket.close();
    };

    function lost() {
      if (readyAt) {
        if (Date.now() - readyAt > GOOD_MS) attempt = 0;
        return later(pause());
      }
      socketFailures++;
      if (socketFailures < 2) return later(pause());
      socketAgainAt = Date.now() + socketPause;
      socketPause = Math.min(SOCKET_MAX_MS, socketPause * 2);
      connect();
    }

    const say = (frame: object) => {
      if (socket.readyState === 1) socket.send(JSON.stringify(frame));
    };
    socket.onopen = () => say({ type: 'hello', conversation: to.id, token: to.token, after: on.cursor() });
    socket.onclose = socket.onerror = lost;
    socket.onmessage = ({ data }) => {
      heardAt = Date.now();
      let frame: Frame;
      try {
        frame = JSON.parse(data);
      } catch {
        return;
      }
      switch (frame.type) {
        case 'ready':
          clearTimeout(timer);
          readyAt = heardAt;
          socketFailures = 0;
          socketPause = SOCKET_AGAIN_MS;
          return setUp(frame.status, (message) => say({ type: 'send', ...message }));
        case 'message':
          return on.message(frame.message);
        case 'typing':
          return on.typing(true);
        case 'status':
          return on.status(frame.status);
        case 'ack':
          return on.acknowledged(frame.client_id, frame.seq);
        case 'error':
          return on.refused(frame, frame.client_id);
      }
    };
  }

  async function poll(to: Conversation) {
    const abort = new AbortController();
    const { signal } = abort;
    close = () => abort.abort();

    const post = async (message: Outgoing) => {
      const answer = await api.send(to, message);
      if (signal.aborted) return;
      if (answer.ok) on.acknowledged(message.client_id, answer.data.seq);
      else if (answer.status) on.refused(answer, message.client_id);
      else unanswered(answer);
    };

    // The first one does not wait: it only shows that the way is open.
    for (let wait = 0; ; wait = POLL_SECONDS) {
      const asked = Date.now();
      const answer = await api.messages(to, on.cursor(), wait, signal);
      if (signal.aborted) return;
      if (!answer.ok || !answer.data) return unanswered(answer as Refusal);
      attempt = 0;
      take(answer.data, post);
      if (signal.aborted) return;
      if (answer.data.status === 'ended') return;
      if (Date.now() >= socketAgainAt) {
        socketFailures = 1;
        return connect();
      }
      // A server, or a proxy, that does not wait must not be asked in a tight loop.
      if (wait && !answer.data.items.length && Date.now() - asked < 1000) await sleep(1000);
      if (signal.aborted) return;
    }
  }

  function take(batch: Batch, post: (message: Outgoing) => void) {
    heardAt = Date.now();
    batch.items.forEach(on.message);
    on.typing(batch.typing);
    if (transmit) on.status(batch.status);
    else setUp(batch.status, post);
  }

  function unanswered({ status, retry_after }: Refusal) {
    if (FINAL.includes(status)) {
      cut();
      return on.refused({ status });
    }
    noServer();
    later(retry_after ? retry_after * 1000 : pause());
  }

  /** When nothing works it was not the sockets' fault: they come first again. */
  function noServer() {
    socketFailures = Math.min(socketFailures, 1);
    socketPause = SOCKET_AGAIN_MS;
  }

  return {
    start(to) {
      conversation = to;
      attempt = 0;
      connect();
    },
    stop() {
      conversation = null;
      cut();
    },
    isUp: () => !!transmit,
    send: (message) => transmit?.(message),
    restart: connect,
    wake() {
      if (waiting || (transmit && Date.now() - heardAt > SILENT_MS && !on.finished())) connect();
    },
  };
}
