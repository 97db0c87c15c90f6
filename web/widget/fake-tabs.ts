/**
 * Tabs of one visitor's browser, for the tests of the session: they share localStorage and the server, and time is fake.
 */

import { afterEach, beforeEach, vi } from 'vitest';
import { FakeServer } from './fake-server';
import { createSession, type Session } from './session';
import { createStore } from './store';

/** Sets up a fresh browser and server before each test of a file. */
export function useTabs() {
  const open: Session[] = [];
  const tabs = {
    server: new FakeServer(),
    /** Opens another one. `storage` events are not passed on by themselves. */
    open(): Session {
      const { env } = tabs.server;
      const options = { origin: 'http://chat.test', bot: 'bot_1', language: 'en' };
      const session = createSession(env, options, createStore('kanca:bot_1:'), () => {});
      open.push(session);
      return session;
    },
    /** How many requests or frames the server has seen that begin so. */
    count: (what: string) => tabs.server.seen.filter((line) => line.startsWith(what)).length,
  };
  beforeEach(() => {
    vi.useFakeTimers();
    localStorage.clear();
    tabs.server = new FakeServer();
  });
  afterEach(() => {
    open.splice(0).forEach((session) => session.stop());
    vi.useRealTimers();
  });
  return tabs;
}

/** What the log says. */
export const texts = (session: Session) => session.state().entries.map((entry) => entry.text);

/** How far each line got. */
export const states = (session: Session) => session.state().entries.map((entry) => entry.state);

/** Lets time pass. */
export const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
