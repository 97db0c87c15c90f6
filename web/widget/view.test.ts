import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { State } from './session';
import { dictionaries, pickLanguage } from './texts';
import type { Entry } from './timeline';
import { createView, type View } from './view';

const at = '2026-01-02T10:00:00.000Z';
const bot = (seq: number, text: string, extra: Partial<Entry> = {}): Entry => ({ key: `m${seq}`, seq, from: 'bot', text, at, state: 'sent', ...extra });
const mine = (key: string, text: string, state: Entry['state']): Entry => ({ key, seq: 0, from: 'contact', text, at, state });

let view: View;
let root: ShadowRoot;
const actions = { toggle: vi.fn(), close: vi.fn(), say: vi.fn(), again: vi.fn(() => ''), retry: vi.fn(), discard: vi.fn() };

function show(state: Partial<State>) {
  view.render({ phase: 'open', line: 'up', entries: [], typing: false, slowUntil: 0, unread: 0, name: 'Ada', ...state });
}

const find = <T extends HTMLElement>(selector: string) => root.querySelector<T>(selector)!;
const labels = (selector: string) => [...root.querySelectorAll<HTMLElement>(selector)].filter((one) => !one.closest('[hidden]')).map((one) => one.textContent);
const press = (target: HTMLElement, init: KeyboardEventInit) => {
  const event = new KeyboardEvent('keydown', { bubbles: true, cancelable: true, composed: true, ...init });
  target.dispatchEvent(event);
  return event;
};

beforeEach(() => {
  vi.clearAllMocks();
  vi.stubGlobal('ResizeObserver', class { observe() {} });
  vi.stubGlobal('matchMedia', () => ({ matches: false }));
  document.body.replaceChildren();
  const host = document.createElement('div');
  document.body.append(host);
  root = host.attachShadow({ mode: 'open' });
  view = createView({ texts: dictionaries.en, language: 'en', position: 'right', inline: false }, actions);
  root.append(view.element);
  show({});
  view.setOpen(true, true);
});

describe('launcher and panel', () => {
  it('moves the focus in on opening and back on closing', () => {
    expect(root.activeElement).toBe(find('textarea'));
    expect(find('.launcher').getAttribute('aria-expanded')).toBe('true');
    view.setOpen(false, true);
    expect(root.activeElement).toBe(find('.launcher'));
    expect(find('.panel').hidden).toBe(true);
  });

  it("counts unread messages in the badge and in the launcher's name", () => {
    view.setOpen(false, true);
    show({ unread: 2 });
    expect(find('.badge').textContent).toBe('2');
    expect(find('.launcher').getAttribute('aria-label')).toBe('Open chat, 2 unread messages');
  });

  it("closes with Escape and keeps keys from the page's shortcuts", () => {
    const heard = vi.fn();
    document.addEventListener('keydown', heard);
    press(find('textarea'), { key: 'Escape' });
    press(find('textarea'), { key: 'k' });
    expect(actions.close).toHaveBeenCalledOnce();
    expect(heard).not.toHaveBeenCalled();
  });
});

describe('writing', () => {
  it('sends with Enter, not with Shift+Enter nor while a character is composed', () => {
    const input = find<HTMLTextAreaElement>('textarea');
    input.value = '  hello\nthere ';
    press(input, { key: 'Enter', shiftKey: true });
    press(input, { key: 'Enter', isComposing: true });
    expect(actions.say).not.toHaveBeenCalled();
    expect(press(input, { key: 'Enter' }).defaultPrevented).toBe(true);
    expect(actions.say).toHaveBeenCalledWith('hello\nthere', undefined);
    expect(input.value).toBe('');
    press(input, { key: 'Enter' });
    expect(actions.say).toHaveBeenCalledOnce();
  });

  it('shows how much space is left near the end', () => {
    const input = find<HTMLTextAreaElement>('textarea');
    expect(input.maxLength).toBe(4000);
    input.value = 'x'.repeat(3999);
    input.dispatchEvent(new Event('input'));
    expect(find('.space').textContent).toBe('1 character left');
  });
});

describe('the log', () => {
  it('shows text as text', () => {
    show({ entries: [bot(1, '<b>bold</b>\n{{name}}')] });
    expect(find('.body').textContent).toBe('<b>bold</b>\n{{name}}');
    expect(find('.body').children).toHaveLength(0);
  });

  it('keeps the element of a message that was acknowledged', () => {
    show({ entries: [mine('c1', 'hi', 'sending')] });
    const element = find('.line');
    expect(find('.state').textContent).toBe('Sending…');
    show({ entries: [bot(1, 'Hello'), { ...mine('c1', 'hi', 'sent'), seq: 2 }] });
    expect(root.querySelectorAll('.line')[1]).toBe(element);
    expect(element.textContent).toContain('Sent');
  });

  it('offers to send a refused message again or to delete it', () => {
    show({ entries: [mine('c1', 'hi', 'failed')] });
    const [retry, discard] = root.querySelectorAll<HTMLButtonElement>('.failure button');
    retry!.click();
    discard!.click();
    expect(actions.retry).toHaveBeenCalledWith('c1');
    expect(actions.discard).toHaveBeenCalledWith('c1');
    show({ entries: [mine('c1', 'hi', 'sending')] });
    expect(find('.failure')).toBeNull();
  });

  it('keeps buttons, and quick replies only until the next message', () => {
    const choices = [{ id: 'c1', label: 'Yes' }, { id: 'c2', label: 'Site', url: 'https://a.example' }, { id: 'c3', label: 'Bad', url: 'javascript:x' }];
    const buttons = bot(1, 'Sure?', { block: 'b1', choices });
    const quick = bot(2, 'Quick?', { block: 'b2', quick: true, choices: [{ id: 'c1', label: 'Fast' }] });
    show({ entries: [buttons, quick] });
    expect(labels('button.choice')).toEqual(['Yes', 'Fast']);
    expect(find<HTMLAnchorElement>('a.choice').href).toBe('https://a.example/');
    expect(root.querySelectorAll('a.choice')).toHaveLength(1);
    find<HTMLButtonElement>('.quick button').click();
    expect(actions.say).toHaveBeenCalledWith('Fast', 'b2/c1');
    show({ entries: [buttons, quick, mine('c9', 'Fast', 'sending')] });
    expect(labels('button.choice')).toEqual(['Yes']);
    show({ phase: 'ended', entries: [buttons] });
    expect(find<HTMLButtonElement>('button.choice').disabled).toBe(true);
  });

  it('offers a new start at the end, with the text that was not sent', () => {
    show({ phase: 'ended' });
    expect(find('.composer').hidden).toBe(true);
    actions.again.mockReturnValueOnce('unsent');
    find('.again').click();
    show({});
    expect(find('.composer').hidden).toBe(false);
    expect(find<HTMLTextAreaElement>('textarea').value).toBe('unsent');
  });
});

describe('notices', () => {
  it('counts down while messages are refused for their rate', async () => {
    vi.useFakeTimers();
    show({ slowUntil: Date.now() + 7000 });
    expect(find('.notice').textContent).toContain('in 10 s');
    await vi.advanceTimersByTimeAsync(3000);
    expect(find('.notice').textContent).toContain('in 5 s');
    show({});
    expect(find('.notice').textContent).toBe('');
    vi.useRealTimers();
  });

  it('mentions a lost line only when it stays lost', async () => {
    vi.useFakeTimers();
    show({ line: 'lost' });
    expect(find('.notice').textContent).toBe('');
    await vi.advanceTimersByTimeAsync(1600);
    expect(find('.notice').textContent).toContain('No connection');
    vi.useRealTimers();
  });
});

it('speaks Turkish where Turkish is wished for, else English', () => {
  expect(pickLanguage(undefined, 'tr-TR', 'en')).toBe('tr');
  expect(pickLanguage('en', 'tr')).toBe('en');
  expect(pickLanguage(null, '', 'de-DE')).toBe('en');
  expect(Object.keys(dictionaries.tr)).toEqual(Object.keys(dictionaries.en));
});
