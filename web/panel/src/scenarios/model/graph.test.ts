import { describe, expect, it } from 'vitest';
import { fromGraph, movesIn, toGraph } from './graph';
import { orderBot } from './model.fixtures';

describe('document ⇄ graph', () => {
  it('gives back the very document, also where blocks have no position', () => {
    const document = orderBot();
    expect(fromGraph(toGraph(document), document)).toEqual(orderBot());
  });

  it('carries the block and nothing else as node data', () => {
    const [start] = toGraph(orderBot()).nodes;
    expect(start?.data).toEqual({ block: orderBot().blocks[0] });
  });

  it('does not let start be deleted', () => {
    const deletable = toGraph(orderBot()).nodes.filter((node) => !node.deletable);
    expect(deletable.map((node) => node.id)).toEqual(['start']);
  });

  it('finds what was dragged, in whole pixels', () => {
    const document = orderBot();
    const nodes = toGraph(document).nodes.map((node) =>
      node.id === 'thanks' ? { ...node, position: { x: 10.4, y: 20.6 } } : node,
    );
    expect(movesIn(nodes, document)).toEqual({ thanks: { x: 10, y: 21 } });
    const moved = fromGraph({ nodes, edges: toGraph(document).edges }, document);
    expect(moved.blocks.find((block) => block.id === 'thanks')?.position).toEqual({ x: 10, y: 21 });
    expect(moved.blocks.find((block) => block.id === 'ask')).not.toHaveProperty('position');
  });
});
