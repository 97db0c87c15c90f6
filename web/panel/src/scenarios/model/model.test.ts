import { describe, expect, it } from 'vitest';
import { usesOf, writableAttributes } from './attributes';
import { createBlock, nextItemId, PALETTE_TYPES, portsOf } from './blocks';
import { newBlockId } from './ids';
import { chain, orderBot } from './model.fixtures';
import { isReachable, outlineOf, readingOrder } from './outline';
import { byBlock, errorsIn, sorted, textParams, type Problem } from './problems';
import { moveDown, moveUp } from './reorder';
import { draftOf, fileName, readDocument } from './transfer';

describe('ids', () => {
  const sequence = (...numbers: number[]) => () => numbers.shift() ?? 0.5;

  it('come from the given source alone', () => {
    const numbers = [0, 0.1, 0.2, 0.3, 0.4, 0.5];
    const id = newBlockId('webhook', new Set(), sequence(...numbers));
    expect(id).toBe(newBlockId('webhook', new Set(), sequence(...numbers)));
    expect(id).toMatch(/^webhook_[a-z2-9]{6}$/);
  });

  it('pass over one that is taken', () => {
    const taken = newBlockId('text', new Set(), () => 0);
    expect(newBlockId('text', new Set([taken]), sequence(0, 0, 0, 0, 0, 0, 0.9))).not.toBe(taken);
  });

  it('of choices count on', () => {
    expect(nextItemId('c', ['c1', 'c3'])).toBe('c4');
  });
});

describe('ports', () => {
  it('of a new block of each type', () => {
    const ports = Object.fromEntries(
      PALETTE_TYPES.map((type) => [type, portsOf(createBlock(type, 'x')).map((port) => port.id).join(' ')]),
    );
    expect(ports).toEqual({
      text: 'next',
      question: 'answered failed',
      buttons: 'choice:c1 other',
      quick_replies: 'choice:c1 other',
      user_input: 'branch:b1 other',
      condition: 'true false',
      webhook: 'next',
      set_attribute: 'next',
      go_to: '',
      end: '',
      default_otherwise: 'next',
      default_timeout: 'next',
    });
  });

  it('leave out a button that opens a link', () => {
    const choices = [{ id: 'c1', label: 'Site', url: 'https://example.com' }, { id: 'c2', label: 'Talk' }];
    const ports = portsOf({ id: 'x', type: 'buttons', text: 'Hi', choices });
    expect(ports.map((port) => port.id)).toEqual(['choice:c2', 'other']);
  });
});

describe('problems', () => {
  const problem = (code: string, severity: Problem['severity'], block_id: string | null): Problem => ({
    code,
    severity,
    block_id,
    port: null,
    field: 'text',
    message: code,
    params: { attribute: 'city', limit: 3 },
  });
  const problems = [problem('cycle', 'warning', 'ask'), problem('empty_text', 'error', 'ask'), problem('no_start', 'error', null)];

  it('belong to their block, with the worst of its severities', () => {
    const map = byBlock(problems);
    expect([...map.keys()]).toEqual(['ask']);
    expect(map.get('ask')).toMatchObject({ severity: 'error', items: [{ code: 'cycle' }, { code: 'empty_text' }] });
  });

  it('are listed errors first', () => {
    expect(sorted(problems).map((item) => item.code)).toEqual(['empty_text', 'no_start', 'cycle']);
    expect(errorsIn(problems)).toBe(2);
  });

  it('give their parameters as text', () => {
    expect(textParams(problems[0] as Problem)).toEqual({ port: '', field: 'text', attribute: 'city', limit: '3' });
  });
});

describe('outline', () => {
  it('shows each block once, branches nested, further ways as references', () => {
    const [main, fallback, lost, ...rest] = outlineOf(orderBot());
    expect(main?.steps.map((step) => step.block.id)).toEqual(['start', 'hello', 'ask']);
    const [answered, failed] = main?.steps[2]?.branches ?? [];
    expect(answered?.path.steps[0]?.block.id).toBe('thanks');
    expect(answered?.path.end).toEqual({ kind: 'open', from: { block: 'thanks', port: 'next' } });
    expect(failed?.path.end).toMatchObject({ kind: 'joined', block: { id: 'hello' } });
    expect(fallback?.end).toEqual({ kind: 'open', from: { block: 'fallback', port: 'next' } });
    expect(lost?.end).toEqual({ kind: 'closed' });
    expect(rest).toEqual([]);
    expect(readingOrder(orderBot()).length).toBe(orderBot().blocks.length);
  });

  it('knows what a conversation can come to without an edge', () => {
    const document = orderBot();
    const at = (id: string) => document.blocks.find((block) => block.id === id) ?? createBlock('end', 'none');
    const listener = { ...createBlock('user_input', 'ears'), anywhere: true } as const;
    expect(isReachable(document, at('fallback'))).toBe(true);
    expect(isReachable(document, at('lost'))).toBe(false);
    expect(isReachable(document, listener as ReturnType<typeof createBlock>)).toBe(true);
    expect(isReachable({ ...document, edges: [] }, at('hello'))).toBe(true);
  });

  it('also shows a loop that nothing enters', () => {
    const document = { ...chain(), edges: [{ from: 'a', port: 'next', to: 'b' }, { from: 'b', port: 'next', to: 'a' }] };
    expect(readingOrder(document).map((block) => block.id)).toEqual(['start', 'c', 'a', 'b']);
  });

  it('moves a block one place up or down where that has a meaning', () => {
    expect(moveUp(chain(), 'b')).toEqual({ id: 'a', after: { block: 'b', port: 'next' } });
    expect(moveUp(chain(), 'a')).toBeUndefined();
    expect(moveDown(chain(), 'b')).toEqual({ id: 'b', after: { block: 'c', port: 'next' } });
    expect(moveDown(chain(), 'c')).toBeUndefined();
  });
});

describe('attributes', () => {
  it('counts the blocks that use one', () => {
    expect(usesOf(orderBot(), 'order_no')).toBe(2);
    expect(usesOf(orderBot(), 'name')).toBe(1);
    expect(usesOf(orderBot(), 'email')).toBe(0);
  });

  it('offers only what may be written', () => {
    expect(writableAttributes(orderBot())).toContain('order_no');
    expect(writableAttributes(orderBot())).not.toContain('message');
  });
});

describe('files', () => {
  it('reads back what was exported', () => {
    const read = readDocument(JSON.stringify({ ...orderBot(), name: 'Orders' }));
    expect('document' in read && draftOf(read.document)).toEqual(orderBot());
  });

  it.each([
    ['{', 'not_json'],
    ['[]', 'not_a_scenario'],
    ['{"schema":"kanca.scenario/9"}', 'other_schema'],
    ['{"schema":"kanca.scenario/1","blocks":[{"id":"a","type":"hologram"}],"edges":[]}', 'unknown_block'],
    ['{"schema":"kanca.scenario/1","blocks":[],"edges":[{"from":"a"}]}', 'not_a_scenario'],
  ])('says what is wrong with %s', (text, fault) => {
    expect(readDocument(text)).toMatchObject({ fault });
  });

  it('names files plainly', () => {
    expect(fileName('Sipariş Takibi ✨')).toBe('siparis-takibi.kanca.json');
    expect(fileName('…')).toBe('scenario.kanca.json');
  });
});
