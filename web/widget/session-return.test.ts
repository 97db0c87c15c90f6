import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { FakeServer } from './fake-server';
import { pass, states, texts, useTabs } from './fake-tabs';
import type { Session } from './session';

const tabs = useTabs();
let server: FakeServer;
let tab: Session;
beforeEach(() => {
  server = tabs.server;
  tab = tabs.open();
});

describe('coming back', () => {
  it('finds the conversation again after a reload, with its history', async () => {
    tab.watch();
    await pass(50);
    tab.say('hi');
    await pass(50);
    tab.stop();
    const reloaded = tabs.open();
    await pass(50);
    expect(texts(reloaded)).toEqual(['Hello', 'hi']);
    expect(server.conversations.size).toBe(1);
  });

  it('counts what came while the panel was closed', async () => {
    tab.watch();
    await pass(50);
    tab.unwatch();
    server.bot('Still there?');
    await pass(50);
    expect(tab.state().unread).toBe(1);
    tab.stop();
    const reloaded = tabs.open();
    await pass(50);
    expect(reloaded.state().unread).toBe(1);
    reloaded.watch();
    expect(reloaded.state().unread).toBe(0);
  });

  it('quietly begins anew when the server was reset, and keeps what was not sent', async () => {
    tab.watch();
    await pass(50);
    server.reachable = false;
    server.drop();
    tab.say('keep me', 'block/c1');
    server.forget();
    server.reachable = true;
    await pass(5000);
    expect(texts(tab)).toEqual(['Hello', 'keep me']);
    expect(states(tab)).toEqual(['sent', 'sent']);
    expect(server.only.messages).toHaveLength(2);
  });

  it('gives up on a server that forgets every conversation', async () => {
    const { fetch } = server.env;
    server.env.fetch = async (url, init) => {
      const response = await fetch(url, init);
      if (init.method === 'POST') server.forget();
      return response;
    };
    tab.watch();
    tab.say('hello');
    await pass(60_000);
    expect(tab.state().phase).toBe('unavailable');
    expect(tabs.count('POST /conversations')).toBeLessThan(6);
  });

  it('begins anew when told to after the end, offering the text that came too late', async () => {
    tab.watch();
    await pass(50);
    server.only.ended = true;
    tab.say('too late');
    await pass(50);
    expect(tab.state().phase).toBe('ended');
    expect(states(tab)).toEqual(['sent', 'failed']);
    expect(tab.again()).toBe('too late');
    await pass(50);
    expect(tab.state().phase).toBe('open');
    expect(texts(tab)).toEqual(['Hello']);
  });

  it('shows an ended conversation again without keeping a line open', async () => {
    tab.watch();
    await pass(50);
    server.bot('Bye');
    server.end();
    await pass(50);
    expect(tab.state()).toMatchObject({ phase: 'ended' });
    tab.stop();
    const before = tabs.count('socket');
    const reloaded = tabs.open();
    await pass(50);
    expect(tabs.count('socket')).toBe(before);
    reloaded.watch();
    await pass(50);
    expect(texts(reloaded)).toEqual(['Hello', 'Bye']);
    server.drop();
    await pass(60_000);
    expect(tabs.count('socket')).toBe(before + 1);
  });
});

describe('two tabs', () => {
  it('share one conversation without doubling anything', async () => {
    tab.watch();
    await pass(50);
    const other = tabs.open();
    other.watch();
    await pass(50);
    tab.say('from one');
    other.say('from two');
    await pass(50);
    server.bot('to both');
    await pass(50);
    expect(texts(tab)).toEqual(['Hello', 'from one', 'from two', 'to both']);
    expect(texts(other)).toEqual(texts(tab));
    expect(server.only.messages).toHaveLength(4);
  });

  it('opened at the same moment, settle on one conversation', async () => {
    const other = tabs.open();
    tab.watch();
    other.watch();
    await pass(50);
    tab.say('here');
    await pass(50);
    expect(texts(other)).toEqual(['Hello', 'here']);
  });

  it('follow each other into a new conversation', async () => {
    tab.watch();
    await pass(50);
    const other = tabs.open();
    other.watch();
    await pass(50);
    server.end();
    await pass(50);
    tab.again();
    await pass(50);
    dispatchEvent(new StorageEvent('storage', { key: 'kanca:bot_1:conversation' }));
    await pass(50);
    expect(other.state().phase).toBe('open');
    tab.say('new start');
    await pass(50);
    expect(texts(other)).toEqual(['Hello', 'new start']);
  });

  it('take over a message that a closed tab has left', async () => {
    tab.watch();
    await pass(50);
    const other = tabs.open();
    other.watch();
    await pass(50);
    server.deaf = true;
    tab.say('left behind');
    await pass(5);
    tab.stop();
    server.deaf = false;
    await pass(25_000);
    other.wake(true);
    await pass(50);
    expect(texts(other)).toEqual(['Hello', 'left behind']);
  });
});

it('works in memory where storage is refused', async () => {
  const refuse = () => {
    throw new DOMException('denied', 'SecurityError');
  };
  vi.spyOn(Storage.prototype, 'setItem').mockImplementation(refuse);
  vi.spyOn(Storage.prototype, 'getItem').mockImplementation(refuse);
  const memory = tabs.open();
  memory.watch();
  await pass(50);
  memory.say('hi');
  await pass(50);
  expect(texts(memory)).toEqual(['Hello', 'hi']);
  vi.restoreAllMocks();
});
