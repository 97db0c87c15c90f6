// Every change to a scenario, as data: the canvas, the outline and the inspector send these to one bus.
// `apply` is pure; a command that is not allowed, or changes nothing, gives back the same document.

import { isAttributeName, isBuiltIn, renamed } from './attributes';
import { canAdd, canRemove, portsOf } from './blocks';
import { canConnect, livingEdges, withEdge, withoutEdge } from './connect';
import {
  findBlock,
  targetOf,
  type Block,
  type DeclaredAttribute,
  type PortRef,
  type Position,
  type ScenarioDocument,
} from './document';
import { arrange } from './layout';
import { movedAfter } from './reorder';

export type Command =
  /** `from` joins the new block to a port; what the port led to goes on after the new block. */
  | { kind: 'add_block'; block: Block; from?: PortRef }
  | { kind: 'remove_blocks'; ids: readonly string[]; edges?: readonly PortRef[] }
  /** `field` names what is being typed into, so that one undo takes back one piece of typing. */
  | { kind: 'update_block'; block: Block; field?: string }
  | { kind: 'move_blocks'; moves: Readonly<Record<string, Position>> }
  | { kind: 'move_after'; id: string; after: PortRef }
  | { kind: 'connect'; from: PortRef; to: string }
  | { kind: 'disconnect'; from: PortRef }
  | { kind: 'arrange' }
  | { kind: 'declare_attribute'; attribute: DeclaredAttribute }
  | { kind: 'change_attribute'; name: string; attribute: DeclaredAttribute }
  | { kind: 'remove_attribute'; name: string }
  | { kind: 'replace'; document: ScenarioDocument };

export function apply(document: ScenarioDocument, command: Command): ScenarioDocument {
  switch (command.kind) {
    case 'add_block':
      return addBlock(document, command.block, command.from);
    case 'remove_blocks':
      return removeBlocks(document, command.ids, command.edges ?? []);
    case 'update_block':
      return updateBlock(document, command.block);
    case 'move_blocks':
      return moveBlocks(document, new Map(Object.entries(command.moves)));
    case 'move_after':
      return movedAfter(document, command.id, command.after);
    case 'connect':
      if (!canConnect(document, command.from, command.to)) return document;
      if (targetOf(document, command.from) === command.to) return document;
      return { ...document, edges: withEdge(document.edges, command.from, command.to) };
    case 'disconnect':
      if (targetOf(document, command.from) === undefined) return document;
      return { ...document, edges: withoutEdge(document.edges, command.from) };
    case 'arrange':
      return moveBlocks(document, arrange(document));
    case 'declare_attribute':
      return declare(document, [command.attribute]);
    case 'change_attribute':
      return changeAttribute(document, command.name, command.attribute);
    case 'remove_attribute':
      return {
        ...document,
        attributes: document.attributes.filter((attribute) => attribute.name !== command.name),
      };
    case 'replace':
      return command.document;
  }
}

function addBlock(document: ScenarioDocument, block: Block, from?: PortRef): ScenarioDocument {
  if (!canAdd(document, block.type) || findBlock(document, block.id)) return document;
  const added = declare({ ...document, blocks: [...document.blocks, block] }, storedBy(block));
  if (!from || !canConnect(added, from, block.id)) return added;
  const before = targetOf(document, from);
  const edges = withEdge(added.edges, from, block.id);
  const onward = portsOf(block)[0];
  return {
    ...added,
    edges:
      before === undefined || !onward ? edges : withEdge(edges, { block: block.id, port: onward.id }, before),
  };
}

function removeBlocks(
  document: ScenarioDocument,
  ids: readonly string[],
  edges: readonly PortRef[],
): ScenarioDocument {
  const gone = new Set(
    ids.filter((id) => {
      const block = findBlock(document, id);
      return block !== undefined && canRemove(block);
    }),
  );
  const cut = edges.filter((edge) => targetOf(document, edge) !== undefined);
  if (gone.size === 0 && cut.length === 0) return document;
  const blocks = document.blocks
    .filter((block) => !gone.has(block.id))
    .map((block) =>
      block.type === 'go_to' && block.target !== null && gone.has(block.target) ? { ...block, target: null } : block,
    );
  const remaining = cut.reduce((list, edge) => withoutEdge(list, edge), document.edges);
  return { ...document, blocks, edges: livingEdges({ ...document, blocks, edges: remaining }) };
}

function updateBlock(document: ScenarioDocument, block: Block): ScenarioDocument {
  const old = findBlock(document, block.id);
  if (!old || old.type !== block.type || JSON.stringify(old) === JSON.stringify(block)) return document;
  const changed = {
    ...document,
    blocks: document.blocks.map((other) => (other.id === block.id ? block : other)),
    edges: portsRenamed(document, old, block),
  };
  return { ...changed, edges: livingEdges(changed) };
}

/** A webhook that begins to wait goes on at *success* where it went on at *next*, and the other way round. */
function portsRenamed(document: ScenarioDocument, old: Block, block: Block): ScenarioDocument['edges'] {
  if (old.type !== 'webhook' || block.type !== 'webhook' || old.mode === block.mode) return document.edges;
  const [from, to] = block.mode === 'wait' ? ['next', 'success'] : ['success', 'next'];
  return document.edges.map((edge) => (edge.from === block.id && edge.port === from ? { ...edge, port: to } : edge));
}

function moveBlocks(document: ScenarioDocument, moves: ReadonlyMap<string, Position>): ScenarioDocument {
  let changed = false;
  const blocks = document.blocks.map((block) => {
    const position = moves.get(block.id);
    if (!position || (block.position?.x === position.x && block.position.y === position.y)) return block;
    changed = true;
    return { ...block, position };
  });
  return changed ? { ...document, blocks } : document;
}

/** Attributes that a new block stores into; they are declared with it so that it is valid as it comes. */
function storedBy(block: Block): DeclaredAttribute[] {
  return block.type === 'question' && block.attribute !== null ? [{ name: block.attribute }] : [];
}

function declare(document: ScenarioDocument, attributes: readonly DeclaredAttribute[]): ScenarioDocument {
  const fresh = attributes.filter(({ name }) => isFree(document, name));
  return fresh.length === 0 ? document : { ...document, attributes: [...document.attributes, ...fresh] };
}

function isFree(document: ScenarioDocument, name: string): boolean {
  return isAttributeName(name) && !isBuiltIn(name) && !document.attributes.some((other) => other.name === name);
}

function changeAttribute(document: ScenarioDocument, name: string, attribute: DeclaredAttribute): ScenarioDocument {
  const isRenamed = attribute.name !== name;
  if (isRenamed && !isFree(document, attribute.name)) return document;
  return {
    ...document,
    attributes: document.attributes.map((other) => (other.name === name ? attribute : other)),
    blocks: isRenamed ? document.blocks.map((block) => renamed(block, name, attribute.name)) : document.blocks,
  };
}
