// The catalogue of block types: what a new one holds, which ports it has, how many there may be.
// Whatever differs from type to type and is not a word or a picture is decided here.

import type { Block, BlockType, ScenarioDocument } from './document';

/** A port of a block. `text` is the user's own wording (a button, a branch); without it the port is named by its key. */
export interface Port {
  id: string;
  key: string;
  text?: string;
}

export type PaletteGroup = 'interactions' | 'actions' | 'entries';

/** What the palette offers, in its order. `start` is missing: a scenario is born with one. */
export const PALETTE: readonly { group: PaletteGroup; types: readonly BlockType[] }[] = [
  { group: 'interactions', types: ['text', 'question', 'buttons', 'quick_replies', 'user_input', 'condition'] },
  { group: 'actions', types: ['webhook', 'set_attribute', 'go_to', 'end'] },
  { group: 'entries', types: ['default_otherwise', 'default_timeout'] },
];

export const PALETTE_TYPES: readonly BlockType[] = PALETTE.flatMap((section) => section.types);

/** Blocks where a path begins: nothing leads to them. */
export function isEntry(type: BlockType): boolean {
  return type === 'start' || type === 'default_otherwise' || type === 'default_timeout';
}

/** The server's limit. */
const MOST_BLOCKS = 500;

/** Whether the scenario may hold one more block of this type. */
export function canAdd(document: ScenarioDocument, type: BlockType): boolean {
  if (document.blocks.length >= MOST_BLOCKS) return false;
  return !isEntry(type) || !document.blocks.some((block) => block.type === type);
}

export function canRemove(block: Block): boolean {
  return block.type !== 'start';
}

/** The ports of a block in the order shown. The first is the way that things normally go on. */
export function portsOf(block: Block): Port[] {
  switch (block.type) {
    case 'start':
    case 'text':
    case 'set_attribute':
    case 'default_otherwise':
    case 'default_timeout':
      return [fixed('next')];
    case 'question':
      return [fixed('answered'), fixed('failed')];
    case 'buttons':
    case 'quick_replies':
      return [
        ...block.choices
          .filter((choice) => choice.url === undefined || choice.url === null)
          .map((choice) => ({ id: `choice:${choice.id}`, key: 'choice', text: choice.label })),
        fixed('other'),
      ];
    case 'condition':
      return [fixed('true'), fixed('false')];
    case 'user_input':
      return [
        ...block.branches.map((branch) => ({
          id: `branch:${branch.id}`,
          key: 'branch',
          text: branch.label || branch.keywords[0] || branch.phrases[0] || '',
        })),
        fixed('other'),
      ];
    case 'webhook':
      return block.mode === 'notify'
        ? [fixed('next')]
        : [fixed('success'), fixed('client_error'), fixed('server_error'), fixed('timeout')];
    case 'go_to':
    case 'end':
      return [];
  }
}

function fixed(id: string): Port {
  return { id, key: id };
}

/** A new block with the fields that the server requires; texts are empty for the user to fill. */
export function createBlock(type: BlockType, id: string): Block {
  switch (type) {
    case 'start':
    case 'default_otherwise':
      return { id, type };
    case 'text':
      return { id, type, messages: [{ text: '', delay_ms: 0 }] };
    case 'question':
      return { id, type, text: '', validate: { kind: 'any' }, attribute: 'answer', attempts: 3 };
    case 'buttons':
    case 'quick_replies':
      return { id, type, text: '', choices: [{ id: 'c1', label: '' }] };
    case 'condition':
      return {
        id,
        type,
        match: 'all',
        groups: [{ match: 'all', rules: [{ subject: { kind: 'message' }, operator: 'contains', value: '' }] }],
      };
    case 'set_attribute':
      return { id, type, assignments: [{ attribute: '', value: '' }] };
    case 'user_input':
      return { id, type, branches: [{ id: 'b1', keywords: [], phrases: [] }], anywhere: false };
    case 'webhook':
      return { id, type, endpoint_id: null, mode: 'notify', timeout_ms: 10_000, mappings: [] };
    case 'go_to':
      return { id, type, target: null };
    case 'default_timeout':
      return { id, type, after_ms: 60_000 };
    case 'end':
      return { id, type };
  }
}

/** The next free `c1`, `c2`, … within one block. Kept short because visitors' clicks carry it. */
export function nextItemId(prefix: string, taken: readonly string[]): string {
  let number = taken.length + 1;
  while (taken.includes(`${prefix}${number}`)) number += 1;
  return `${prefix}${number}`;
}
