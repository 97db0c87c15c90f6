// Documents that the model's tests share.

import type { ScenarioDocument } from './document';

/** start → hello → ask ─answered→ thanks, ask ─failed→ hello; a fallback, and a block nobody leads to. */
export function orderBot(): ScenarioDocument {
  return {
    schema: 'kanca.scenario/1',
    attributes: [{ name: 'order_no', label: 'Order', default: null }],
    blocks: [
      { id: 'start', type: 'start', position: { x: 0, y: 0 } },
      { id: 'hello', type: 'text', title: 'Greeting', messages: [{ text: 'Hi {{name|there}}' }], position: { x: 340, y: 0 } },
      { id: 'ask', type: 'question', text: 'Order?', validate: { kind: 'number', min: 1 }, attribute: 'order_no', attempts: null },
      { id: 'thanks', type: 'text', messages: [{ text: 'Order {{order_no}}', delay_ms: 500 }] },
      { id: 'fallback', type: 'default_otherwise' },
      { id: 'lost', type: 'go_to', target: 'hello' },
    ],
    edges: [
      { from: 'start', port: 'next', to: 'hello' },
      { from: 'hello', port: 'next', to: 'ask' },
      { from: 'ask', port: 'answered', to: 'thanks' },
      { from: 'ask', port: 'failed', to: 'hello' },
    ],
  };
}

/** A chain a → b → c of texts behind start. */
export function chain(): ScenarioDocument {
  const text = (id: string) => ({ id, type: 'text' as const, messages: [{ text: id }] });
  return {
    schema: 'kanca.scenario/1',
    attributes: [],
    blocks: [{ id: 'start', type: 'start' }, text('a'), text('b'), text('c')],
    edges: [
      { from: 'start', port: 'next', to: 'a' },
      { from: 'a', port: 'next', to: 'b' },
      { from: 'b', port: 'next', to: 'c' },
    ],
  };
}
