import { beforeEach, describe, expect, it } from 'vitest';
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

describe('the line', () => {
  beforeEach(async () => {
    tab.watch();
    await pass(50);
  });

  it('asks for what it missed and shows nothing twice', async () => {
    server.drop();
    server.bot('while you were away', {}, 2);
    expect(tab.state().line).toBe('lost');
    await pass(1000);
    expect(server.seen.filter((line) => line.startsWith('hello'))).toEqual(['hello after=0', 'hello after=1']);
    expect(texts(tab)).toEqual(['Hello', 'while you were away']);
    server.live()[0]!.say({ type: 'message', message: server.only.messages[1]! });
    await pass(50);
    expect(texts(tab)).toEqual(['Hello', 'while you were away']);
  });

  it('never asks past a message that it has not seen because of an acknowledgement', async () => {
    const [socket] = server.live();
    socket!.say({ type: 'ack', client_id: 'client-99', id: 'msg_9', seq: 9 });
    await pass(10);
    server.drop();
    await pass(1000);
    expect(server.seen.filter((line) => line.startsWith('hello')).pop()).toBe('hello after=1');
  });

  it('waits longer each time, and at once when the network returns', async () => {
    server.reachable = false;
    server.drop();
    await pass(60_000);
    const tries = server.seen.length;
    await pass(20_000);
    expect(server.seen.length - tries).toBeLessThan(3);
    server.reachable = true;
    tab.wake(true);
    await pass(50);
    expect(tab.state().line).toBe('up');
  });

  it('polls and posts when sockets fail twice, and tries the socket again later', async () => {
    server.socketsWork = false;
    server.drop();
    await pass(3000);
    expect(tab.state().line).toBe('up');
    tab.say('by post');
    await pass(50);
    server.bot('by poll');
    await pass(50);
    expect(texts(tab)).toEqual(['Hello', 'by post', 'by poll']);
    expect(states(tab)).toEqual(['sent', 'sent', 'sent']);
    expect(server.seen.some((line) => line.startsWith('POST /conversations/'))).toBe(true);

    server.socketsWork = true;
    const sockets = tabs.count('socket');
    await pass(90_000);
    expect(tabs.count('socket')).toBe(sockets + 1);
    expect(server.live()).toHaveLength(1);
    const requests = tabs.count('GET');
    await pass(60_000);
    expect(tabs.count('GET')).toBe(requests);
  });

  it('comes back by socket from a server that was away altogether', async () => {
    server.reachable = false;
    server.drop();
    await pass(10_000);
    server.reachable = true;
    await pass(31_000);
    expect(tab.state().line).toBe('up');
    expect(server.live()).toHaveLength(1);
  });

  it('does not flood a server that answers polls at once', async () => {
    server.socketsWork = false;
    server.drop();
    const { fetch } = server.env;
    server.env.fetch = (url, init) => fetch(url.replace(/wait=\d+/, 'wait=0'), init);
    await pass(3000);
    const before = server.seen.length;
    await pass(10_000);
    expect(server.seen.length - before).toBeLessThan(12);
  });

  it('does not hurry back to a server that drops it each time', async () => {
    for (let i = 0; i < 100; i++) {
      server.drop();
      await pass(500);
    }
    expect(tabs.count('socket')).toBeLessThan(12);
  });
});
