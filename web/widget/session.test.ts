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

describe('beginning', () => {
  it('does nothing on the network until the panel is opened', async () => {
    await pass(60_000);
    expect(server.seen).toEqual([]);
    expect(tab.state().phase).toBe('none');
  });

  it("greets when opened, under the bot's name", async () => {
    tab.watch();
    expect(tab.state().line).toBe('connecting');
    await pass(50);
    expect(texts(tab)).toEqual(['Hello']);
    expect(tab.state()).toMatchObject({ phase: 'open', line: 'up', name: 'Ada' });
  });

  it('tells the server what the page knew before the conversation, and what it learns later', async () => {
    tab.setContact({ attributes: { name: 'Ayşe' } });
    tab.watch();
    await pass(50);
    expect(server.only.contact).toEqual({ language: 'en', name: 'Ayşe' });
    tab.setContact({ attributes: { email: 'a@example.com' } });
    await pass(50);
    expect(server.only.contact).toMatchObject({ name: 'Ayşe', email: 'a@example.com' });
  });

  it('keeps trying while the server is away, and sends what was written meanwhile', async () => {
    server.reachable = false;
    tab.watch();
    tab.say('anyone?');
    await pass(5000);
    expect(tab.state().line).toBe('lost');
    expect(states(tab)).toEqual(['sending']);
    server.reachable = true;
    await pass(31_000);
    expect(texts(tab)).toEqual(['Hello', 'anyone?']);
    expect(states(tab)).toEqual(['sent', 'sent']);
  });

  it('says so when the bot does not exist', async () => {
    server.refusals = [{ status: 404, detail: 'There is no such bot.' }];
    tab.watch();
    await pass(50);
    expect(tab.state().phase).toBe('unavailable');
  });
});

it('talks to the visitor even if the server refuses what the page says of them', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  tab.setContact({ attributes: { name: 'x'.repeat(9999) } });
  server.refusals = [{ status: 422, detail: 'The name is too long.' }];
  tab.watch();
  await pass(50);
  expect(texts(tab)).toEqual(['Hello']);
  expect(warn).toHaveBeenCalledOnce();
  warn.mockRestore();
});

describe('sending', () => {
  beforeEach(async () => {
    tab.watch();
    await pass(50);
  });

  it.each([true, false])('shows a message once, whether the acknowledgement comes first (%s) or last', async (ackFirst) => {
    server.ackFirst = ackFirst;
    tab.say('one');
    tab.say('two');
    const keys = tab.state().entries.map((entry) => entry.key);
    expect(states(tab)).toEqual(['sent', 'sending', 'sending']);
    await pass(50);
    expect(texts(tab)).toEqual(['Hello', 'one', 'two']);
    expect(states(tab)).toEqual(['sent', 'sent', 'sent']);
    expect(tab.state().entries.map((entry) => entry.key)).toEqual(keys);
    expect(localStorage.getItem('kanca:bot_1:outbox')).toBeNull();
  });

  it('sends again, under the same id, what was not acknowledged when the line dropped', async () => {
    server.dropBeforeAck = true;
    tab.say('important');
    await pass(3000);
    expect(server.seen.filter((line) => line.startsWith('send'))).toEqual(['send client-2', 'send client-2']);
    expect(server.only.messages.map((message) => message.text)).toEqual(['Hello', 'important']);
    expect(texts(tab)).toEqual(['Hello', 'important']);
    expect(states(tab)).toEqual(['sent', 'sent']);
  });

  it('sends after a reload what the page could not', async () => {
    server.reachable = false;
    server.drop();
    tab.say('first');
    tab.say('second');
    tab.stop();
    server.reachable = true;
    const reloaded = tabs.open();
    await pass(50);
    expect(texts(reloaded)).toEqual(['Hello', 'first', 'second']);
    expect(server.only.messages.map((message) => message.text)).toEqual(['Hello', 'first', 'second']);
  });

  it('takes a line for dead that does not acknowledge', async () => {
    server.deaf = true;
    tab.say('hello?');
    await pass(9000);
    server.deaf = false;
    expect(states(tab)).toEqual(['sent', 'sending']);
    await pass(2000);
    expect(texts(tab)).toEqual(['Hello', 'hello?']);
    expect(states(tab)).toEqual(['sent', 'sent']);
  });

  it('waits as long as a 429 says, then goes on in order', async () => {
    server.refusals = [{ status: 429, detail: 'Slow down.', retry_after: 7 }];
    tab.say('a');
    tab.say('b');
    await pass(100);
    expect(tab.state().slowUntil).toBeGreaterThan(Date.now());
    await pass(6000);
    expect(tabs.count('send')).toBe(1);
    await pass(2000);
    expect(tab.state().slowUntil).toBe(0);
    expect(texts(tab)).toEqual(['Hello', 'a', 'b']);
    expect(states(tab)).toEqual(['sent', 'sent', 'sent']);
  });

  it('leaves a refused message to the visitor and goes on with the next', async () => {
    server.refusals = [{ status: 422, detail: 'No.' }];
    tab.say('bad');
    tab.say('good');
    await pass(50);
    expect(texts(tab)).toEqual(['Hello', 'good', 'bad']);
    expect(states(tab)).toEqual(['sent', 'sent', 'failed']);
    tab.retry('client-2');
    await pass(50);
    expect(states(tab)).toEqual(['sent', 'sent', 'sent']);
  });

  it('drops a refused message when told to', async () => {
    server.refusals = [{ status: 422, detail: 'No.' }];
    tab.say('bad');
    await pass(50);
    tab.discard('client-2');
    expect(texts(tab)).toEqual(['Hello']);
  });
});
