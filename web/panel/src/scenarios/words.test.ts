import { describe, expect, it } from 'vitest';
import { hasText, t } from './i18n';
import { createBlock, PALETTE_TYPES, portsOf } from './model/blocks';
import { OPERATORS, type Block, type WebhookBlock } from './model/document';
import { chain, orderBot } from './model/model.fixtures';
import { portName, problemText, summaryOf, titleOf, typeName } from './words';

// The codes of the scenario's validation, in the API's reference.
const codes = `no_start several_starts several_defaults duplicate_block duplicate_edge unknown_edge_block unknown_port missing_target
  unreachable_block unknown_attribute read_only_attribute no_failure_path cycle_without_wait no_webhook_chosen
  unknown_webhook empty_text empty_choices duplicate_choice empty_branch invalid_path invalid_url
  invalid_limits no_way_on`.split(/\s+/);

describe('words', () => {
  it.each(['start', ...PALETTE_TYPES] as const)('has a name, a hint, ports and a summary for %s', (type) => {
    const block = createBlock(type, 'x');
    expect(typeName(type)).not.toBe('');
    expect(hasText(`hint.${type}`)).toBe(true);
    expect(portsOf(block).map(portName)).not.toContain('');
    expect(summaryOf(block, { document: chain(), endpoints: [] })).not.toBe('');
  });

  it('names the ports of a webhook that waits', () => {
    const waiting: Block = { ...(createBlock('webhook', 'x') as WebhookBlock), mode: 'wait' };
    expect(portsOf(waiting).every((port) => hasText(`port.${port.key}`))).toBe(true);
  });

  it.each(OPERATORS)('has a word for the operator %s', (operator) => {
    expect(hasText(`op.${operator}`)).toBe(true);
  });

  it.each(codes)('has a sentence for the problem %s', (code) => {
    expect(hasText(`problem.${code}`)).toBe(true);
  });

  it('shows the server’s sentence for a problem that it does not know', () => {
    const problem = { code: 'from_the_future', severity: 'error', block_id: null, port: null, field: null, message: 'Do this.' } as const;
    expect(problemText(problem)).toBe('Do this.');
  });

  it('fills in what the problem is about', () => {
    const problem = { code: 'unknown_attribute', severity: 'error', block_id: 'x', port: null, field: 'text', message: '', params: { attribute: 'city' } } as const;
    expect(problemText(problem)).toContain('city');
    expect(problemText({ ...problem, params: { attribute: '' } })).toBe(t('problem.no_attribute'));
  });

  it('prefers the user’s own words', () => {
    expect(titleOf({ id: 'x', type: 'end', title: 'Bye' })).toBe('Bye');
    expect(titleOf({ id: 'x', type: 'end', title: '  ' })).toBe(t('type.end'));
    expect(portName({ id: 'choice:c1', key: 'choice', text: 'Evet' })).toBe('Evet');
  });

  it('summarises a step that goes elsewhere by the name of that block', () => {
    const lost = orderBot().blocks.find((block) => block.id === 'lost') as Block;
    expect(summaryOf(lost, { document: orderBot(), endpoints: null })).toBe('→ Greeting');
  });
});
