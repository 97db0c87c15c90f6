// The scenario as nested lists. A path of blocks with one port each is one flat list; a block with more
// ports ends it and holds one list for each. A graph with joins and loops becomes a tree by showing each
// block once, at its first way in reading order; a further way to it ends in a line that refers to it.

import { isEntry, portsOf, type Port } from './blocks';
import { findBlock, targetOf, type Block, type PortRef, type ScenarioDocument } from './document';

export interface OutlineStep {
  block: Block;
  branches: { port: Port; path: OutlinePath }[];
}

export type PathEnd =
  /** Nothing is joined here yet. */
  | { kind: 'open'; from: PortRef }
  /** Goes on at a block that is shown elsewhere. */
  | { kind: 'joined'; from: PortRef; block: Block }
  /** The last block has no port, or branches. */
  | { kind: 'closed' };

export interface OutlinePath {
  steps: OutlineStep[];
  end: PathEnd;
}

/** Whether a conversation can come to this block by itself: an entry, an input that listens anywhere, a go-to's target, an edge. */
export function isReachable(document: ScenarioDocument, block: Block): boolean {
  if (isEntry(block.type) || (block.type === 'user_input' && block.anywhere)) return true;
  return (
    document.edges.some((edge) => edge.to === block.id) ||
    document.blocks.some((other) => other.type === 'go_to' && other.target === block.id)
  );
}

/** One path for each entry, then one for each block that no path leads to. */
export function outlineOf(document: ScenarioDocument): OutlinePath[] {
  const seen = new Set<string>();
  const paths: OutlinePath[] = [];
  const grow = (blocks: Block[]): void => {
    for (const block of blocks) if (!seen.has(block.id)) paths.push(pathFrom(document, block, seen));
  };
  const entries = document.blocks.filter((block) => isEntry(block.type));
  grow([...entries].sort((left, right) => Number(right.type === 'start') - Number(left.type === 'start')));
  const targets = new Set(document.edges.map((edge) => edge.to));
  grow(document.blocks.filter((block) => !targets.has(block.id)));
  grow(document.blocks);
  return paths;
}

// Only branches recurse, and no deeper than there are blocks (500 at most).
function pathFrom(document: ScenarioDocument, first: Block, seen: Set<string>): OutlinePath {
  const steps: OutlineStep[] = [];
  let block = first;
  for (;;) {
    seen.add(block.id);
    const ports = portsOf(block);
    const from = { block: block.id, port: ports[0]?.id ?? '' };
    if (ports.length !== 1) {
      const owner = block.id;
      const branches = ports.map((port) => ({ port, path: branchFrom(document, { block: owner, port: port.id }, seen) }));
      steps.push({ block, branches });
      return { steps, end: { kind: 'closed' } };
    }
    steps.push({ block, branches: [] });
    const next = findBlock(document, targetOf(document, from) ?? null);
    if (!next) return { steps, end: { kind: 'open', from } };
    if (seen.has(next.id)) return { steps, end: { kind: 'joined', from, block: next } };
    block = next;
  }
}

function branchFrom(document: ScenarioDocument, from: PortRef, seen: Set<string>): OutlinePath {
  const next = findBlock(document, targetOf(document, from) ?? null);
  if (!next) return { steps: [], end: { kind: 'open', from } };
  if (seen.has(next.id)) return { steps: [], end: { kind: 'joined', from, block: next } };
  return pathFrom(document, next, seen);
}

/** Blocks in the order of the outline. */
export function readingOrder(document: ScenarioDocument): Block[] {
  const flat = (path: OutlinePath): Block[] =>
    path.steps.flatMap((step) => [step.block, ...step.branches.flatMap((branch) => flat(branch.path))]);
  return outlineOf(document).flatMap(flat);
}
