import { beforeEach, describe, expect, it, vi } from 'vitest';
import { installCommands, type Target } from './commands';

let done: unknown[];
const target: Target = {
  open: () => done.push('open'),
  close: () => done.push('close'),
  hide: () => done.push('hide'),
  show: () => done.push('show'),
  setContact: (contact) => done.push(contact),
};

/** The snippet that pages carry, as documented. */
function snippet() {
  const page = window as unknown as { kanca: { (...call: unknown[]): void; q?: unknown[] } };
  page.kanca =
    page.kanca ||
    function () {
      // eslint-disable-next-line prefer-rest-params
      (page.kanca.q = page.kanca.q || []).push(arguments);
    };
}

beforeEach(() => {
  done = [];
  delete window.kanca;
});

describe('kanca()', () => {
  it('carries out in order what the page asked for before the script was there', () => {
    snippet();
    window.kanca!('setContact', { attributes: { name: 'Ayşe' } });
    window.kanca!('open');
    installCommands(target);
    expect(done).toEqual([{ attributes: { name: 'Ayşe' } }, 'open']);
    window.kanca!('close');
    expect(done[2]).toBe('close');
  });

  it('works for a page that never used the snippet', () => {
    installCommands(target);
    window.kanca!('hide');
    window.kanca!('show');
    expect(done).toEqual(['hide', 'show']);
  });

  it('still hears a page that kept the early function', () => {
    snippet();
    window.kanca!('open');
    const early = window.kanca!;
    installCommands(target);
    early.q!.push(['close']);
    expect(done).toEqual(['open', 'close']);
  });

  it('takes the attributes alone, or with an identity', () => {
    installCommands(target);
    window.kanca!('setContact', { email: 'a@example.com' });
    window.kanca!('setContact', { external_id: '42', identity_hash: 'ab', other: 1 });
    expect(done).toEqual([{ attributes: { email: 'a@example.com' } }, { external_id: '42', identity_hash: 'ab' }]);
  });

  it('warns about what it does not know and goes on', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    installCommands(target);
    window.kanca!('constructor');
    window.kanca!('setContact');
    window.kanca!('open');
    expect(warn.mock.calls[0]![0]).toContain('no command "constructor"');
    expect(error).toHaveBeenCalledOnce();
    expect(done).toEqual(['open']);
  });
});
