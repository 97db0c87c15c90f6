// Document → what the canvas draws, and back. A node's data is its block and nothing else; what else a
// node shows (problems, selection, the block a test is in) comes from the editor, not from the graph.

import { BLOCK_WIDTH, shownPositions } from './layout';
import { canRemove } from './blocks';
import { findBlock, type Block, type PortRef, type Position, type ScenarioDocument, type ScenarioEdge } from './document';

export interface GraphNode {
  id: string;
  type: 'block';
  position: Position;
  width: number;
  deletable: boolean;
  data: { block: Block };
}

export interface GraphEdge {
  id: string;
  source: string;
  sourceHandle: string;
  target: string;
}

export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

/** Identity of an edge: a port has only one, so its port names it. */
export function edgeId(edge: ScenarioEdge): string {
  return `${edge.from}/${edge.port}`;
}

export function toGraph(document: ScenarioDocument): Graph {
  const shown = shownPositions(document);
  return {
    nodes: document.blocks.map((block) => ({
      id: block.id,
      type: 'block',
      position: shown.get(block.id) ?? { x: 0, y: 0 },
      width: BLOCK_WIDTH,
      deletable: canRemove(block),
      data: { block },
    })),
    edges: document.edges.map((edge) => ({
      id: edgeId(edge),
      source: edge.from,
      sourceHandle: edge.port,
      target: edge.to,
    })),
  };
}

/**
 * The document with the graph's blocks, positions and edges. A block that never had a position keeps
 * none unless it was moved, so looking at a document does not change it.
 */
export function fromGraph(graph: Graph, document: ScenarioDocument): ScenarioDocument {
  const moved = movesIn(graph.nodes, document);
  return {
    ...document,
    blocks: graph.nodes.map(({ id, data }) => {
      const position = moved[id];
      return position ? { ...data.block, position } : data.block;
    }),
    edges: graph.edges.map((edge) => ({ from: edge.source, port: edge.sourceHandle, to: edge.target })),
  };
}

/** New positions of the nodes that are not where the document shows them, in whole pixels. */
export function movesIn(
  nodes: readonly { id: string; position: Position }[],
  document: ScenarioDocument,
): Record<string, Position> {
  const shown = shownPositions(document);
  const moves: Record<string, Position> = {};
  for (const node of nodes) {
    const before = shown.get(node.id);
    const after = { x: Math.round(node.position.x), y: Math.round(node.position.y) };
    const still = before && Math.round(before.x) === after.x && Math.round(before.y) === after.y;
    if (!still && findBlock(document, node.id)) moves[node.id] = after;
  }
  return moves;
}

export function portOfEdge(edge: { source: string; sourceHandle?: string | null }): PortRef {
  return { block: edge.source, port: edge.sourceHandle ?? '' };
}
