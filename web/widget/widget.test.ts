import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FakeServer } from './fake-server';

/** Puts a script tag on the page and runs the script, as a browser would. */
async function include(attributes: Record<string, string>) {
  const script = document.createElement('script');
  script.type = 'text/plain'; // jsdom is not to fetch it.
  script.src = 'https://chat.example/widget.js';
  for (const name in attributes) script.setAttribute(name, attributes[name]!);
  document.body.append(script);
  vi.resetModules();
  await import('./widget');
}

const root = () => document.querySelector('kanca-chat')!.shadowRoot!;
const panel = () => root().querySelector<HTMLElement>('[role=dialog]')!;
let server: FakeServer;
let addresses: string[];

beforeEach(() => {
  server = new FakeServer();
  addresses = [];
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => server.env.fetch(url, init));
  vi.stubGlobal('WebSocket', function (url: string) {
    addresses.push(url);
    return server.env.socket(url);
  });
  vi.stubGlobal('ResizeObserver', class { observe() {} });
  vi.stubGlobal('matchMedia', () => ({ matches: false }));
  localStorage.clear();
  document.body.replaceChildren();
  delete window.kanca;
});

afterEach(() => document.body.replaceChildren());

it('shows a closed launcher, in the language of the page, and leaves the network alone', async () => {
  document.documentElement.lang = 'tr';
  await include({ 'data-bot': 'bot_1' });
  await vi.waitFor(() => expect(root().querySelector('.launcher')!.getAttribute('aria-label')).toBe('Sohbeti aç'));
  expect(panel().hidden).toBe(true);
  expect(server.seen).toEqual([]);
  document.documentElement.lang = '';
});

it("talks to the script's own host", async () => {
  await include({ 'data-bot': 'bot_1', 'data-open': 'true', 'data-title': 'Help' });
  await vi.waitFor(() => expect(root().querySelector('.body')?.textContent).toBe('Hello'));
  expect(addresses).toEqual(['wss://chat.example/chat/v1/socket']);
  expect(panel().hidden).toBe(false);
  expect(panel().getAttribute('aria-label')).toBe('Help');
  expect(JSON.parse(localStorage.getItem('kanca:bot_1:conversation')!)).toHaveProperty('token');
});

it('does nothing when included twice, but comes back to a page that swapped its body', async () => {
  await include({ 'data-bot': 'bot_1' });
  await include({ 'data-bot': 'bot_1' });
  expect(document.querySelectorAll('kanca-chat')).toHaveLength(1);
  document.body.replaceChildren();
  await include({ 'data-bot': 'bot_1' });
  expect(document.querySelectorAll('kanca-chat')).toHaveLength(1);
});

it('obeys what the page asked for before and after it came', async () => {
  const early: unknown[][] = [['setContact', { attributes: { name: 'Ayşe' } }], ['open']];
  window.kanca = Object.assign(() => {}, { q: early });
  await include({ 'data-bot': 'bot_1' });
  await vi.waitFor(() => expect(server.only.contact).toMatchObject({ name: 'Ayşe' }));
  expect(panel().hidden).toBe(false);
  window.kanca!('close');
  expect(panel().hidden).toBe(true);
  window.kanca!('hide');
  expect(document.querySelector<HTMLElement>('kanca-chat')!.hidden).toBe(true);
  window.kanca!('show');
  expect(document.querySelector<HTMLElement>('kanca-chat')!.hidden).toBe(false);
});

it('becomes part of the page where the page says', async () => {
  const place = document.createElement('div');
  place.id = 'place';
  document.body.append(place);
  await include({ 'data-bot': 'bot_1', 'data-inline': '#place' });
  expect(place.firstElementChild?.localName).toBe('kanca-chat');
  expect(root().querySelector('.launcher')).toBeNull();
  window.kanca!('close');
  expect(panel().hidden).toBe(false);
});

it('explains a tag without a bot', async () => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  await include({ 'data-bot': '' });
  expect(error.mock.calls[0]![0]).toContain('data-bot');
  expect(document.querySelector('kanca-chat')).toBeNull();
});
