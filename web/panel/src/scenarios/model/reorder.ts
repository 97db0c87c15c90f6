// Moving a block to another place in the flow, as the outline offers it: the block leaves its path, the
// path closes behind it, and it stands again right after another port.

import { portsOf } from './blocks';
import { canConnect, withEdge, withoutEdge } from './connect';
import { findBlock, targetOf, type Block, type PortRef, type ScenarioDocument, type ScenarioEdge } from './document';

/** The port by which a path normally goes on after this block. */
export function mainPort(block: Block): PortRef | undefined {
  const port = portsOf(block)[0];
  return port && { block: block.id, port: port.id };
}

/** The document with block `id` standing after the port `after`; unchanged when that is not possible. */
export function movedAfter(document: ScenarioDocument, id: string, after: PortRef): ScenarioDocument {
  const block = findBlock(document, id);
  if (!block || !canConnect(document, after, id) || targetOf(document, after) === id) return document;
  const onward = mainPort(block);
  let edges = detached(document, id, onward);
  const next = edges.find((edge) => edge.from === after.block && edge.port === after.port)?.to;
  edges = withEdge(edges, after, id);
  if (onward && next !== undefined && next !== id) edges = withEdge(edges, onward, next);
  return { ...document, edges };
}

/** Edges with what led to the block now leading to what came after it. */
function detached(document: ScenarioDocument, id: string, onward: PortRef | undefined): ScenarioEdge[] {
  const next = onward && targetOf(document, onward);
  const rest = onward ? withoutEdge(document.edges, onward) : document.edges;
  return rest.flatMap((edge) => {
    if (edge.to !== id) return [edge];
    return next === undefined || next === id || next === edge.from ? [] : [{ ...edge, to: next }];
  });
}

/** Ways to the block, in document order. */
export function waysTo(document: ScenarioDocument, id: string): PortRef[] {
  return document.edges.filter((edge) => edge.to === id).map((edge) => ({ block: edge.from, port: edge.port }));
}

export interface Move {
  id: string;
  after: PortRef;
}

/** The move that puts the block one place earlier: the block before it comes after it. */
export function moveUp(document: ScenarioDocument, id: string): Move | undefined {
  const block = findBlock(document, id);
  const after = block && mainPort(block);
  const ways = waysTo(document, id);
  const before = ways.length === 1 ? findBlock(document, ways[0]?.block ?? null) : undefined;
  if (!after || !before || mainPort(before)?.port !== ways[0]?.port) return undefined;
  return canConnect(document, after, before.id) ? { id: before.id, after } : undefined;
}

/** The move that puts the block one place later: it comes after the block that it leads to. */
export function moveDown(document: ScenarioDocument, id: string): Move | undefined {
  const block = findBlock(document, id);
  const onward = block && mainPort(block);
  const next = findBlock(document, (onward && targetOf(document, onward)) ?? null);
  const after = next && mainPort(next);
  return after && next.id !== id && canConnect(document, after, id) ? { id, after } : undefined;
}
