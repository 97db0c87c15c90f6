// Which joins are allowed. A port has at most one edge, so a new one replaces the old; a block may be
// reached from many ports, and loops are allowed (asking again is a loop).

import { isEntry, portsOf } from './blocks';
import { findBlock, type PortRef, type ScenarioDocument, type ScenarioEdge } from './document';

export function canConnect(document: ScenarioDocument, from: PortRef, to: string): boolean {
  const source = findBlock(document, from.block);
  const target = findBlock(document, to);
  if (!source || !target || source.id === target.id) return false;
  return !isEntry(target.type) && portsOf(source).some((port) => port.id === from.port);
}

/** The edges with `from` joined to `to`; an edge that left the same port before is replaced in its place. */
export function withEdge(edges: readonly ScenarioEdge[], from: PortRef, to: string): ScenarioEdge[] {
  const edge = { from: from.block, port: from.port, to };
  const index = edges.findIndex((old) => old.from === from.block && old.port === from.port);
  return index < 0 ? [...edges, edge] : edges.map((old, at) => (at === index ? edge : old));
}

export function withoutEdge(edges: readonly ScenarioEdge[], from: PortRef): ScenarioEdge[] {
  return edges.filter((edge) => edge.from !== from.block || edge.port !== from.port);
}

/** The edges without those whose block or port is no longer there. */
export function livingEdges(document: ScenarioDocument): ScenarioEdge[] {
  const ports = new Map(document.blocks.map((block) => [block.id, new Set(portsOf(block).map((port) => port.id))]));
  return document.edges.filter((edge) => ports.get(edge.from)?.has(edge.port) && ports.has(edge.to));
}
