// How blocks, ports and problems are called, in the panel's language.

import type { Endpoint } from '../api/models';
import { hasText, t } from './i18n';
import type { Port } from './model/blocks';
import { findBlock, needsValue, type Block, type BlockType, type Rule, type ScenarioDocument } from './model/document';
import { textParams, type Problem } from './model/problems';

export function typeName(type: BlockType): string {
  return t(`type.${type}`);
}

/** The block's own title, else the word for its type. */
export function titleOf(block: Block): string {
  return block.title?.trim() || typeName(block.type);
}

export function portName(port: Port): string {
  if (port.text?.trim()) return port.text;
  const key = `port.${port.key}`;
  return hasText(key) ? t(key) : port.id;
}

/** What a summary looks up: names of webhooks (null while they load) and of other blocks. */
export interface SummaryContext {
  document: ScenarioDocument;
  endpoints: readonly Endpoint[] | null;
}

/** What the block does, in a line or two. */
export function summaryOf(block: Block, { document, endpoints }: SummaryContext): string {
  switch (block.type) {
    case 'start':
    case 'default_otherwise':
      return t(`hint.${block.type}`);
    case 'default_timeout':
      return t('summary.after', { n: block.after_ms / 1000 });
    case 'text':
      return firstOf(block.messages.map((message) => message.text));
    case 'question':
    case 'buttons':
    case 'quick_replies':
      return block.text || t('summary.empty');
    case 'condition':
      return firstOf(block.groups.flatMap((group) => group.rules.map(ruleText)));
    case 'set_attribute':
      return firstOf(block.assignments.map(({ attribute, value }) => (attribute ? `${attribute} = ${value}` : '')));
    case 'user_input': {
      const key = block.anywhere ? 'summary.listensAnywhere' : 'summary.listens';
      return t(key, { n: block.branches.length });
    }
    case 'webhook': {
      if (block.endpoint_id === null) return t('summary.noWebhook');
      const endpoint = endpoints?.find((candidate) => candidate.id === block.endpoint_id);
      return endpoint ? endpoint.name : endpoints ? t('summary.gone') : '…';
    }
    case 'go_to': {
      const target = findBlock(document, block.target);
      return target ? `→ ${titleOf(target)}` : t('summary.noTarget');
    }
    case 'end':
      return block.text || t('summary.ends');
  }
}

/** The sentence for a problem in the panel's language; the server's own where it is a newer one. */
export function problemText(problem: Problem): string {
  const params = textParams(problem);
  if (problem.code === 'unknown_attribute' && params['attribute'] === '') return t('problem.no_attribute');
  const key = `problem.${problem.code}`;
  return hasText(key) ? t(key, params) : problem.message;
}

function ruleText(rule: Rule): string {
  const subject = rule.subject.kind === 'message' ? t('summary.message') : rule.subject.name;
  const value = needsValue(rule.operator) ? ` “${rule.value ?? ''}”` : '';
  return `${subject} ${t(`op.${rule.operator}`)}${value}`;
}

function firstOf(texts: string[]): string {
  const written = texts.filter((text) => text.trim() !== '');
  const [first] = written;
  if (first === undefined) return t('summary.empty');
  return written.length > 1 ? t('summary.more', { text: first, n: written.length - 1 }) : first;
}
