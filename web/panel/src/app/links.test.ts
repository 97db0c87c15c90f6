import { expect, test } from 'vitest';
import { links, queryValue } from './links';

test('an empty filter leaves the address clean', () => {
  expect(links.deliveries({ status: '', endpoint_id: undefined })).toBe('#/deliveries');
});

test('filters are part of the address', () => {
  expect(links.deliveries({ status: 'failed', endpoint_id: 'ep_1' })).toBe('#/deliveries?status=failed&endpoint_id=ep_1');
});

test('ids cannot leave their place in the path', () => {
  expect(links.inboxRequest('inb_1', '../x?y')).toBe('#/inboxes/inb_1/requests/..%2Fx%3Fy');
});

test('a query value is read back as it was written', () => {
  const link = links.events({ type: 'order.paid & more' });
  expect(queryValue(link.split('?')[1], 'type')).toBe('order.paid & more');
  expect(queryValue(undefined, 'type')).toBe('');
});
