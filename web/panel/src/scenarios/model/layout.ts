// Places blocks from left to right: a block stands one column after the first block that leads to it,
// and the paths of one entry lie below those of the entry before. A column's cursor only ever moves
// down, which is why two blocks cannot overlap.

import { isEntry, portsOf } from './blocks';
import { findBlock, type Block, type Position, type ScenarioDocument } from './document';

/** Width of a block on the canvas in px; the stylesheet of the node uses the same figure. */
export const BLOCK_WIDTH = 224;
const COLUMN_GAP = 96;
const ROW_GAP = 32;
const HEAD_HEIGHT = 82;
const PORT_HEIGHT = 30;

export interface Size {
  width: number;
  height: number;
}

/** Room that a block takes, a little generous; real heights are known only after it is drawn. */
export function sizeOf(block: Block): Size {
  return { width: BLOCK_WIDTH, height: HEAD_HEIGHT + portsOf(block).length * PORT_HEIGHT };
}

/** A position for each block, by id. */
export function arrange(document: ScenarioDocument): Map<string, Position> {
  const placed = new Map<string, Position>();
  const cursors: number[] = [];
  for (const root of rootsOf(document)) {
    if (placed.has(root.id)) continue;
    const floor = Math.max(0, ...cursors);
    cursors.fill(floor);
    const tree = columnsFrom(document, root, placed);
    for (const { block, column, parent } of tree) {
      while (cursors.length <= column) cursors.push(floor);
      const beside = parent === null ? floor : (placed.get(parent)?.y ?? floor);
      const y = Math.max(cursors[column] ?? floor, beside);
      placed.set(block.id, { x: column * (BLOCK_WIDTH + COLUMN_GAP), y });
      cursors[column] = y + sizeOf(block).height + ROW_GAP;
    }
  }
  return placed;
}

/** Start first, then the other entries, then what nothing leads to, then the rest (loops that nothing enters). */
function rootsOf(document: ScenarioDocument): Block[] {
  const reached = new Set(document.edges.map((edge) => edge.to));
  const rank = (block: Block): number => {
    if (block.type === 'start') return 0;
    if (isEntry(block.type)) return 1;
    return reached.has(block.id) ? 3 : 2;
  };
  return [...document.blocks].sort((left, right) => rank(left) - rank(right));
}

interface Placement {
  block: Block;
  column: number;
  parent: string | null;
}

/** Breadth first, so that a block's column is its shortest way from the root. */
function columnsFrom(document: ScenarioDocument, root: Block, done: ReadonlyMap<string, Position>): Placement[] {
  const found: Placement[] = [{ block: root, column: 0, parent: null }];
  const seen = new Set([root.id]);
  for (let index = 0; index < found.length; index += 1) {
    const at = found[index];
    if (!at) break;
    for (const port of portsOf(at.block)) {
      const to = document.edges.find((edge) => edge.from === at.block.id && edge.port === port.id)?.to;
      const block = to === undefined ? undefined : findBlock(document, to);
      if (!block || seen.has(block.id) || done.has(block.id)) continue;
      seen.add(block.id);
      found.push({ block, column: at.column + 1, parent: at.block.id });
    }
  }
  return found;
}

/**
 * Where each block is shown: its own position, or one from the layout below everything that has one. The
 * server keeps a missing position as 0, 0, so several blocks at that place have none.
 */
export function shownPositions(document: ScenarioDocument): Map<string, Position> {
  const isAtOrigin = (block: Block): boolean => block.position?.x === 0 && block.position.y === 0;
  const isOriginTaken = document.blocks.filter(isAtOrigin).length > 1;
  const known = document.blocks.filter((block) => block.position && !(isOriginTaken && isAtOrigin(block)));
  const shown = known.length === document.blocks.length ? new Map<string, Position>() : arrange(document);
  const bottom = known.length
    ? Math.max(...known.map((block) => (block.position?.y ?? 0) + sizeOf(block).height)) + ROW_GAP
    : 0;
  for (const [id, position] of shown) shown.set(id, { x: position.x, y: position.y + bottom });
  for (const block of known) if (block.position) shown.set(block.id, block.position);
  return shown;
}

/** A free place for a new block: right of `after` when given, else below everything. */
export function freePlace(document: ScenarioDocument, block: Block, after: string | null): Position {
  const shown = shownPositions(document);
  const beside = after === null ? undefined : shown.get(after);
  if (beside) return freeNear(document, block, { x: beside.x + BLOCK_WIDTH + COLUMN_GAP, y: beside.y });
  const bottoms = document.blocks.map((other) => (shown.get(other.id)?.y ?? 0) + sizeOf(other).height + ROW_GAP);
  return { x: 0, y: Math.max(0, ...bottoms) };
}

/** `wish`, or the next place below it where the block covers no other. */
export function freeNear(document: ScenarioDocument, block: Block, wish: Position): Position {
  const shown = shownPositions(document);
  const size = sizeOf(block);
  const boxes = document.blocks.flatMap((other) => {
    const at = shown.get(other.id);
    return at ? [{ ...at, ...sizeOf(other) }] : [];
  });
  let y = wish.y;
  for (;;) {
    const hit = boxes.find(
      (box) => wish.x < box.x + box.width && box.x < wish.x + size.width && y < box.y + box.height && box.y < y + size.height,
    );
    if (!hit) return { x: wish.x, y };
    y = hit.y + hit.height + ROW_GAP;
  }
}
