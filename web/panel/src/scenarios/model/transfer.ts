// Reading a scenario from a file. Only what the canvas itself relies on is checked here; the server
// checks the rest and says so in its own words.

import { PALETTE_TYPES } from './blocks';
import { SCHEMA, type ScenarioDocument } from './document';

export type ImportFault = 'not_json' | 'not_a_scenario' | 'other_schema' | 'unknown_block';

export type ImportResult = { document: ScenarioDocument } | { fault: ImportFault; detail?: string };

export function readDocument(text: string): ImportResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { fault: 'not_json' };
  }
  if (!isRecord(value) || typeof value['schema'] !== 'string') return { fault: 'not_a_scenario' };
  if (value['schema'] !== SCHEMA) return { fault: 'other_schema', detail: value['schema'] };
  const { blocks, edges, attributes = [] } = value;
  if (!Array.isArray(blocks) || !Array.isArray(edges) || !Array.isArray(attributes)) return { fault: 'not_a_scenario' };
  for (const block of blocks) {
    if (!isRecord(block) || typeof block['id'] !== 'string' || typeof block['type'] !== 'string') {
      return { fault: 'not_a_scenario' };
    }
    const type = block['type'];
    if (type !== 'start' && !PALETTE_TYPES.some((known) => known === type)) {
      return { fault: 'unknown_block', detail: type };
    }
  }
  const edgeIsWhole = (edge: unknown): boolean =>
    isRecord(edge) && ['from', 'port', 'to'].every((key) => typeof edge[key] === 'string');
  if (!edges.every(edgeIsWhole)) return { fault: 'not_a_scenario' };
  return { document: { ...value, attributes } as unknown as ScenarioDocument };
}

/** The document as it is saved and sent: an export's `name` belongs to the scenario, not to its draft. */
export function draftOf(document: ScenarioDocument): ScenarioDocument {
  const { name: _name, ...draft } = document;
  return draft;
}

/** A file name that every system takes. */
export function fileName(scenarioName: string): string {
  const word = scenarioName
    .normalize('NFKD')
    .replace(/ı/g, 'i')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .toLowerCase();
  return `${word || 'scenario'}.kanca.json`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
