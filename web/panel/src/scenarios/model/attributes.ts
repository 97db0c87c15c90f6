// Attributes: the visitor's variables. Which there are, where a scenario uses one, and renaming one
// everywhere at once.

import type { Block, ScenarioDocument } from './document';

/** Known in every scenario without being declared. */
export const BUILT_IN = ['name', 'surname', 'email', 'phone', 'gender', 'avatar', 'language', 'message'] as const;
export const WEBHOOK_ANSWER = ['webhook.status', 'webhook.body', 'webhook.error'] as const;

const READ_ONLY: ReadonlySet<string> = new Set(['message', ...WEBHOOK_ANSWER]);
const NAME = /^[A-Za-z_][A-Za-z0-9_.]{0,63}$/;

export function isAttributeName(name: string): boolean {
  return NAME.test(name);
}

export function isBuiltIn(name: string): boolean {
  return (BUILT_IN as readonly string[]).includes(name) || (WEBHOOK_ANSWER as readonly string[]).includes(name);
}

/** What a text may show: the declared ones first, they are the user's own. */
export function readableAttributes(document: ScenarioDocument): string[] {
  return [...document.attributes.map((attribute) => attribute.name), ...BUILT_IN, ...WEBHOOK_ANSWER];
}

/** What a block may store into. */
export function writableAttributes(document: ScenarioDocument): string[] {
  return readableAttributes(document).filter((name) => !READ_ONLY.has(name));
}

/** How many blocks name this attribute. */
export function usesOf(document: ScenarioDocument, name: string): number {
  return document.blocks.filter((block) => JSON.stringify(renamed(block, name, '\u0000')) !== JSON.stringify(block)).length;
}

/** The block with every mention of `from` replaced by `to`: in `{{…}}`, in fields that store, in rules. */
export function renamed(block: Block, from: string, to: string): Block {
  const inText = (text: string): string =>
    text.replace(/\{\{\s*([A-Za-z0-9_.]+)\s*(\|[^}]*)?\}\}/g, (whole, name: string, fallback?: string) =>
      name === from ? `{{${to}${fallback ?? ''}}}` : whole,
    );
  const walk = (value: unknown, key: string | null, owner: unknown): unknown => {
    if (typeof value === 'string') {
      const names = key === 'attribute' || (key === 'name' && isAttributeSubject(owner));
      return names ? (value === from ? to : value) : inText(value);
    }
    if (Array.isArray(value)) return value.map((item) => walk(item, null, value));
    if (value !== null && typeof value === 'object') {
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, walk(item, name, value)]));
    }
    return value;
  };
  return walk(block, null, null) as Block;
}

function isAttributeSubject(owner: unknown): boolean {
  return typeof owner === 'object' && owner !== null && 'kind' in owner && owner.kind === 'attribute';
}
