import { describe, expect, it } from 'vitest';
import { createBlock } from './blocks';
import { CommandBus } from './bus';
import { apply, type Command } from './commands';
import type { Block, ButtonsBlock, ScenarioDocument, WebhookBlock } from './document';
import { chain, orderBot } from './model.fixtures';

/** Applies the command, then checks that undo and redo are exact. */
function run(document: ScenarioDocument, command: Command): ScenarioDocument {
  const before = structuredClone(document);
  const bus = new CommandBus(document);
  expect(bus.dispatch(command)).toBe(true);
  const after = bus.document;
  bus.undo();
  expect(bus.document).toEqual(before);
  bus.redo();
  expect(bus.document).toEqual(after);
  return after;
}

function ways(document: ScenarioDocument): string[] {
  return document.edges.map((edge) => `${edge.from}.${edge.port}>${edge.to}`);
}

const webhook = createBlock('webhook', 'hook') as WebhookBlock;

describe('adding', () => {
  it('adds a block by itself', () => {
    expect(run(chain(), { kind: 'add_block', block: webhook }).blocks.at(-1)).toEqual(webhook);
  });

  it('joins it to a port, and what stood there goes on after it', () => {
    const after = run(chain(), { kind: 'add_block', block: webhook, from: { block: 'a', port: 'next' } });
    expect(ways(after)).toEqual(['start.next>a', 'a.next>hook', 'b.next>c', 'hook.next>b']);
  });

  it('refuses a second default otherwise, a second start and a taken id', () => {
    const document = orderBot();
    for (const block of [createBlock('default_otherwise', 'x'), createBlock('start', 'y'), createBlock('end', 'ask')]) {
      expect(apply(document, { kind: 'add_block', block })).toBe(document);
    }
  });

  it('declares the attribute that a new question stores into', () => {
    const after = run(chain(), { kind: 'add_block', block: createBlock('question', 'q') });
    expect(after.attributes).toEqual([{ name: 'answer' }]);
  });
});

describe('removing', () => {
  it('takes the edges and the go-to targets along', () => {
    const after = run(orderBot(), { kind: 'remove_blocks', ids: ['hello'] });
    expect(ways(after)).toEqual(['ask.answered>thanks']);
    expect(after.blocks.at(-1)).toEqual({ id: 'lost', type: 'go_to', target: null });
  });

  it('keeps start', () => {
    const document = chain();
    expect(apply(document, { kind: 'remove_blocks', ids: ['start'] })).toBe(document);
  });

  it('removes edges alone', () => {
    const after = run(chain(), { kind: 'remove_blocks', ids: [], edges: [{ block: 'a', port: 'next' }] });
    expect(ways(after)).toEqual(['start.next>a', 'b.next>c']);
  });
});

describe('changing a block', () => {
  it('drops the edges of ports that are gone', () => {
    const buttons: ButtonsBlock = {
      id: 'menu',
      type: 'buttons',
      text: 'Choose',
      choices: [{ id: 'c1', label: 'Yes' }, { id: 'c2', label: 'No' }],
    };
    const document: ScenarioDocument = {
      ...chain(),
      blocks: [...chain().blocks, buttons],
      edges: [{ from: 'menu', port: 'choice:c1', to: 'a' }, { from: 'menu', port: 'choice:c2', to: 'b' }],
    };
    const after = run(document, { kind: 'update_block', block: { ...buttons, choices: [{ id: 'c2', label: 'No' }] } });
    expect(ways(after)).toEqual(['menu.choice:c2>b']);
  });

  it('keeps the way on when a webhook begins to wait', () => {
    const document: ScenarioDocument = {
      ...chain(),
      blocks: [...chain().blocks, webhook],
      edges: [{ from: 'hook', port: 'next', to: 'a' }],
    };
    const after = run(document, { kind: 'update_block', block: { ...webhook, mode: 'wait' } });
    expect(ways(after)).toEqual(['hook.success>a']);
  });

  it('is no change when nothing differs', () => {
    const document = chain();
    expect(apply(document, { kind: 'update_block', block: structuredClone(document.blocks[1] as Block) })).toBe(document);
  });
});

describe('joining', () => {
  it('replaces the edge that left the port before', () => {
    const after = run(chain(), { kind: 'connect', from: { block: 'a', port: 'next' }, to: 'c' });
    expect(ways(after)).toEqual(['start.next>a', 'a.next>c', 'b.next>c']);
  });

  it.each([
    ['itself', { block: 'a', port: 'next' }, 'a'],
    ['an entry', { block: 'a', port: 'next' }, 'start'],
    ['a port that is not there', { block: 'a', port: 'answered' }, 'c'],
    ['a block that is not there', { block: 'a', port: 'next' }, 'z'],
  ])('refuses %s', (_what, from, to) => {
    const document = chain();
    expect(apply(document, { kind: 'connect', from, to })).toBe(document);
  });

  it('lets go', () => {
    const after = run(chain(), { kind: 'disconnect', from: { block: 'b', port: 'next' } });
    expect(ways(after)).toEqual(['start.next>a', 'a.next>b']);
  });
});

describe('moving', () => {
  it('places blocks on the canvas', () => {
    const after = run(chain(), { kind: 'move_blocks', moves: { b: { x: 5, y: 6 } } });
    expect(after.blocks[2]?.position).toEqual({ x: 5, y: 6 });
  });

  it('places a block after another one, and the path closes behind it', () => {
    const after = run(chain(), { kind: 'move_after', id: 'a', after: { block: 'b', port: 'next' } });
    expect(ways(after)).toEqual(['start.next>b', 'b.next>a', 'a.next>c']);
  });

  it('arranges everything', () => {
    const after = run(chain(), { kind: 'arrange' });
    expect(after.blocks.every((block) => block.position)).toBe(true);
  });
});

describe('attributes', () => {
  it('declares one, once, and never a built-in one', () => {
    const after = run(chain(), { kind: 'declare_attribute', attribute: { name: 'city' } });
    expect(apply(after, { kind: 'declare_attribute', attribute: { name: 'city' } })).toBe(after);
    expect(apply(after, { kind: 'declare_attribute', attribute: { name: 'email' } })).toBe(after);
    expect(apply(after, { kind: 'declare_attribute', attribute: { name: '1st' } })).toBe(after);
  });

  it('renames one wherever it is used', () => {
    const after = run(orderBot(), { kind: 'change_attribute', name: 'order_no', attribute: { name: 'number' } });
    expect(JSON.stringify(after)).not.toContain('order_no');
    expect(after.blocks[3]).toMatchObject({ messages: [{ text: 'Order {{number}}' }] });
  });

  it('removes one', () => {
    expect(run(orderBot(), { kind: 'remove_attribute', name: 'order_no' }).attributes).toEqual([]);
  });
});

describe('history', () => {
  const typed = (text: string): Command => ({
    kind: 'update_block',
    block: { id: 'a', type: 'text', messages: [{ text }] },
    field: 'messages.0.text',
  });

  it('takes back one piece of typing at once, until it is sealed', () => {
    const bus = new CommandBus(chain());
    bus.dispatch(typed('h'));
    bus.dispatch(typed('hi'));
    bus.seal();
    bus.dispatch(typed('hi!'));
    bus.undo();
    expect(bus.document.blocks[1]).toMatchObject({ messages: [{ text: 'hi' }] });
    bus.undo();
    expect(bus.document).toEqual(chain());
    expect(bus.state).toMatchObject({ canUndo: false, canRedo: true });
  });

  it('forgets what was undone once something new happens', () => {
    const bus = new CommandBus(chain());
    bus.dispatch(typed('x'));
    bus.undo();
    bus.dispatch({ kind: 'remove_blocks', ids: ['c'] });
    expect(bus.state.canRedo).toBe(false);
  });

  it('tells subscribers of each change and of nothing else', () => {
    const bus = new CommandBus(chain());
    let told = 0;
    const leave = bus.subscribe(() => (told += 1));
    bus.dispatch({ kind: 'disconnect', from: { block: 'c', port: 'next' } });
    bus.undo();
    expect(told).toBe(1);
    bus.dispatch(typed('y'));
    expect(told).toBe(2);
    leave();
    bus.reset(orderBot());
    expect(told).toBe(2);
    expect(bus.state.canUndo).toBe(false);
  });
});
