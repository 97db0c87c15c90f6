import { describe, expect, it } from 'vitest';
import type { ScenarioDocument } from '../model/document';
import { chain, orderBot } from '../model/model.fixtures';
import { Autosave, type Saved, type SaveState, type Timer } from './autosave';

/** A server that answers when told to, and a timer that rings when told to. */
function bench() {
  const asked: { document: ScenarioDocument; revision: number; answer: (error?: string) => void }[] = [];
  const states: SaveState[] = [];
  let ring: (() => void) | null = null;
  const timer: Timer = {
    start: (callback) => (ring = callback),
    stop: () => (ring = null),
  };
  const autosave = new Autosave(4, {
    save: (document, revision) =>
      new Promise<Saved>((resolve, reject) => {
        const answer = (error?: string) => (error ? reject(error) : resolve({ draft_revision: revision + 1 }));
        asked.push({ document, revision, answer });
      }),
    isConflict: (error) => error === 'conflict',
    isFinal: (error) => error === 'refused',
    onState: (state) => states.push(state),
    onSaved: () => {},
    timer,
  });
  const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
  return {
    autosave,
    asked,
    states,
    settle,
    ring: () => {
      const callback = ring;
      ring = null;
      callback?.();
    },
    get isTicking() {
      return ring !== null;
    },
  };
}

describe('autosave', () => {
  it('waits for quiet, then saves the newest document on the present revision', async () => {
    const b = bench();
    b.autosave.change(orderBot());
    b.autosave.change(chain());
    expect(b.asked).toEqual([]);
    b.ring();
    await b.settle();
    expect(b.asked).toMatchObject([{ document: chain(), revision: 4 }]);
    b.asked[0]?.answer();
    await b.settle();
    expect(b.states).toEqual(['waiting', 'waiting', 'saving', 'saved']);
  });

  it('sends what changed meanwhile afterwards, on the new revision', async () => {
    const b = bench();
    b.autosave.change(orderBot());
    b.ring();
    await b.settle();
    b.autosave.change(chain());
    b.ring();
    await b.settle();
    expect(b.asked.length).toBe(1);
    b.asked[0]?.answer();
    await b.settle();
    expect(b.asked[1]).toMatchObject({ document: chain(), revision: 5 });
  });

  it('flushes at once and says whether the server has everything', async () => {
    const b = bench();
    b.autosave.change(chain());
    const flushed = b.autosave.flush();
    await b.settle();
    b.asked[0]?.answer();
    expect(await flushed).toBe(true);
  });

  it('stops at a conflict', async () => {
    const b = bench();
    b.autosave.change(chain());
    b.ring();
    await b.settle();
    b.asked[0]?.answer('conflict');
    await b.settle();
    expect(b.autosave.state).toBe('conflict');
    b.autosave.change(orderBot());
    expect(b.isTicking).toBe(false);
    expect(await b.autosave.flush()).toBe(false);
    expect(b.asked.length).toBe(1);
  });

  it('tries again after a failure, but not what was refused', async () => {
    const b = bench();
    b.autosave.change(chain());
    b.ring();
    await b.settle();
    b.asked[0]?.answer('down');
    await b.settle();
    expect(b.isTicking).toBe(true);
    b.ring();
    await b.settle();
    expect(b.asked[1]).toMatchObject({ document: chain(), revision: 4 });
    b.asked[1]?.answer('refused');
    await b.settle();
    expect(b.isTicking).toBe(false);
    expect(b.states.at(-1)).toBe('failed');
  });
});
