import { describe, expect, it } from 'vitest';
import { createBlock } from './blocks';
import type { Position, ScenarioDocument } from './document';
import { arrange, freeNear, freePlace, shownPositions, sizeOf } from './layout';
import { chain, orderBot } from './model.fixtures';

function overlaps(document: ScenarioDocument, places: Map<string, Position>): string[] {
  const boxes = document.blocks.map((block) => ({ id: block.id, ...(places.get(block.id) as Position), ...sizeOf(block) }));
  return boxes.flatMap((a, index) =>
    boxes
      .slice(index + 1)
      .filter((b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height)
      .map((b) => `${a.id}/${b.id}`),
  );
}

/** Sixty blocks of all types, joined by a rule that makes joins, loops and islands. */
function tangle(): ScenarioDocument {
  const types = ['text', 'question', 'buttons', 'condition', 'webhook', 'user_input', 'end'] as const;
  const blocks = Array.from({ length: 60 }, (_, index) => createBlock(types[index % types.length] ?? 'text', `n${index}`));
  const edges = Array.from({ length: 120 }, (_, index) => ({
    from: `n${(index * 7) % 60}`,
    port: index % 2 ? 'other' : index % 3 ? 'next' : 'answered',
    to: `n${(index * index + 3) % 60}`,
  }));
  return { schema: 'kanca.scenario/1', attributes: [], blocks: [createBlock('start', 'start'), ...blocks], edges };
}

describe('layout', () => {
  it.each([
    ['a small bot', orderBot()],
    ['a chain', chain()],
    ['a tangle', tangle()],
  ])('places %s without overlaps', (_what, document) => {
    expect(overlaps(document, arrange(document))).toEqual([]);
    expect(arrange(document).size).toBe(document.blocks.length);
  });

  it('goes from left to right', () => {
    const places = arrange(chain());
    const columns = ['start', 'a', 'b', 'c'].map((id) => places.get(id)?.x ?? 0);
    expect([...columns].sort((a, b) => a - b)).toEqual(columns);
    expect(new Set(columns).size).toBe(4);
  });

  it('keeps positions that are known, and puts the others below', () => {
    const document = orderBot();
    const shown = shownPositions(document);
    expect(shown.get('hello')).toEqual({ x: 340, y: 0 });
    expect(overlaps(document, shown)).toEqual([]);
  });

  it('takes several blocks at 0, 0 for blocks without a position', () => {
    const document = { ...chain(), blocks: chain().blocks.map((block) => ({ ...block, position: { x: 0, y: 0 } })) };
    expect(overlaps(document, shownPositions(document))).toEqual([]);
  });

  it('lets a block lie where it was dropped unless it would cover another', () => {
    const block = createBlock('end', 'bye');
    expect(freeNear(chain(), block, { x: 5000, y: 70 })).toEqual({ x: 5000, y: 70 });
    expect(freeNear(orderBot(), block, { x: 350, y: 10 }).y).toBeGreaterThan(100);
  });

  it('finds a free place beside a block', () => {
    const document = orderBot();
    const block = createBlock('webhook', 'hook');
    const place = freePlace(document, block, 'start');
    expect(place.x).toBeGreaterThan(0);
    const shown = shownPositions(document).set('hook', place);
    expect(overlaps({ ...document, blocks: [...document.blocks, block] }, shown)).toEqual([]);
  });
});
