/** A developer describes the events of a program, has them checked, and sees at an event why it was (not) delivered. */

import { check, same, until } from '../support/expect.mjs';
import { menu } from '../support/panel.mjs';
import { startReceiver } from '../support/receiver.mjs';

const SCHEMA = { type: 'object', required: ['id'], properties: { id: { type: 'integer' } } };

export default async function (journey) {
  const service = await startReceiver(() => ({ text: '{}' }));
  const server = await journey.server({ KANCA_ALLOW_PRIVATE_NETWORKS: '127.0.0.0/8' });
  journey.expectComplaint(/status of 422/, 'A schema and an example are refused on purpose.');
  const page = await journey.panel(server);
  const publish = (data) => server.api('POST', '/events', { type: 'order.paid', data });

  await journey.step('a schema and an example that are wrong are refused with the place', async () => {
    await menu(page, 'Events & deliveries');
    await page.getByRole('link', { name: 'Event types', exact: true }).click();
    await page.getByText('message.received', { exact: true }).waitFor();
    same(await page.getByText('conversation.webhook', { exact: true }).count(), 0, 'types that nobody can subscribe to');
    await page.getByRole('link', { name: 'New event type' }).first().click();
    await page.getByLabel('Name', { exact: true }).fill('order.paid');
    await page.getByLabel(/^What it tells/).fill('An order was paid.');
    await page.getByLabel(/^JSON Schema of the data/).fill('{"type": "thing"}');
    await page.getByRole('button', { name: 'Register' }).click();
    await page.locator('.field', { hasText: 'JSON Schema' }).getByText(/\/type/).waitFor();
    await page.getByLabel(/^JSON Schema of the data/).fill(JSON.stringify(SCHEMA, null, 2));
    await page.getByLabel(/^Example/).fill('{"id": "seven"}');
    await page.getByRole('button', { name: 'Register' }).click();
    await page.locator('.field', { hasText: 'Example' }).getByText(/\/id/).waitFor();
  });
  await journey.lookAt(page, 'event-type-refused');

  await journey.step('the type is registered, listed, changed', async () => {
    await page.getByLabel(/^Example/).fill('{"id": 7}');
    await page.getByRole('button', { name: 'Register' }).click();
    await page.getByRole('table', { name: 'Event types' }).getByRole('link', { name: 'order.paid' }).click();
    await page.getByLabel(/^What it tells/).fill('An order was paid in full.');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('An order was paid in full.').waitFor();
    same((await server.api('GET', '/event-types/order.paid')).schema, SCHEMA, 'the schema');
    const example = () => page.evaluate(async () => (await fetch('/api/v1/event-types/order.paid', { headers: { 'kanca-panel': '1' } })).text());
    await page.getByRole('table', { name: 'Event types' }).getByRole('link', { name: 'order.paid' }).click();
    await page.getByLabel(/^Example/).fill('{"id": 7, "total": 1.0, "number": 12345678901234567890}');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('table', { name: 'Event types' }).getByRole('link', { name: 'order.paid' }).click();
    same(await page.getByLabel(/^Example/).inputValue(), '{\n  "id": 7,\n  "total": 1.0,\n  "number": 12345678901234567890\n}', 'the example to edit');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('table', { name: 'Event types' }).waitFor();
    check(/"total": ?1\.0, *\s*"number": ?12345678901234567890/.test(await example()), `The example lost digits: ${await example()}`);
  });
  await journey.lookAt(page, 'event-types');

  await journey.step('the project has its events checked', async () => {
    await page.goto(`${server.url}/#/settings`);
    await page.getByRole('radio', { name: /^Warn/ }).check();
    await until('it is stored', async () => (await server.api('GET', '/project')).validation === 'warn');
    await page.getByLabel('Keep them').selectOption('days');
    await page.getByLabel('Days', { exact: true }).fill('7');
    await page.getByRole('form', { name: 'How long things are kept' }).getByRole('button', { name: 'Save' }).click();
    await until('it is stored', async () => (await server.api('GET', '/project')).retention.days === 7);
  });
  await journey.lookAt(page, 'settings-validation');

  await journey.step('an event that is not as its schema says tells so, and why each webhook got it or not', async () => {
    await server.api('POST', '/endpoints', { name: 'Got it', url: service.url, event_types: ['order.*'] });
    await server.api('POST', '/endpoints', { name: 'Large ones', url: service.url, event_types: ['order.*'], filter: 'event.data.id == 1' });
    await server.api('POST', '/endpoints', { name: 'Other types', url: service.url, event_types: ['user.*'] });
    const { id } = await publish({ id: 'x' });
    await page.goto(`${server.url}/#/events/${id}`);
    const why = page.getByRole('region', { name: 'Why it was delivered, or not' });
    await why.getByText(/Warning: the data is not as the schema of order.paid says\. .* at \/id/).waitFor();
    await why.getByText(/does not subscribe to order.paid/).first().waitFor();
    await why.getByText(/Its filter does not let this event pass: event.data.id == 1/).waitFor();
    await why.getByText('Delivered', { exact: true }).waitFor();
    await why.getByText(/^Total/).waitFor();
    check(service.requests.length === 1, `${service.requests.length} requests came.`);
  });
  await journey.lookAt(page, 'event-trace');
  await page.setViewportSize({ width: 390, height: 800 });
  await journey.lookAt(page, 'event-trace-narrow');
  await page.setViewportSize({ width: 1280, height: 800 });

  await journey.step('a type is deleted', async () => {
    await page.goto(`${server.url}/#/event-types/type/order.paid`);
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('No event types of your own yet').waitFor();
  });
  await service.stop();
}
