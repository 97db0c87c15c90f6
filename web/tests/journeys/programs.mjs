/** A filter and a transformation, tried on an event before they are saved. */

import { check, same, until } from '../support/expect.mjs';
import { startReceiver } from '../support/receiver.mjs';

export default async function (journey) {
  const service = await startReceiver(() => ({ text: '{}' }));
  const server = await journey.server({ KANCA_ALLOW_PRIVATE_NETWORKS: '127.0.0.0/8' });
  journey.expectComplaint(/status of 422/, 'A filter is refused on purpose.');
  const page = await journey.panel(server);
  const { id } = await server.api('POST', '/endpoints', { name: 'Billing', url: service.url, event_types: ['order.*'] });
  const stored = () => server.api('GET', `/endpoints/${id}`);
  const card = page.getByRole('region', { name: 'Filter and transformation' });

  await journey.step('an unsaved filter is tried on the newest event', async () => {
    await server.api('POST', '/events', { type: 'order.paid', data: { total: 50, name: 'Ada' } });
    await until('it arrives', () => service.requests.length === 1);
    await page.goto(`${server.url}/#/webhooks/${id}`);
    await card.getByRole('button', { name: 'Edit and try' }).click();
    await until('the newest event is there', async () => (await card.getByLabel('Data (JSON)').inputValue()).includes('Ada'));
    await card.getByLabel(/^Filter/).fill('event.data.total > 100');
    await card.getByRole('button', { name: 'Try it' }).click();
    await card.getByText('keeps the event back').waitFor();
    await card.getByText('Nothing would be sent.').waitFor();
    same((await stored()).filter, null, 'the stored filter');
    await card.getByLabel('Data (JSON)').fill('{"total": 119.90, "no": 12345678901234567890}');
    await card.getByRole('button', { name: 'Try it' }).click();
    const body = card.getByRole('group', { name: 'Body of the request' });
    await until('numbers are shown as they would be sent', async () => /119\.90\b.*12345678901234567890\b/s.test(await body.innerText()));
  });

  await journey.step('a filter is tried with an ordering key', async () => {
    await card.getByLabel(/^Filter/).fill('event.ordering_key == "vip"');
    await card.getByRole('button', { name: 'Try it' }).click();
    await card.getByText('keeps the event back').waitFor();
    await card.getByLabel(/^Ordering key/).fill('vip');
    await card.getByRole('button', { name: 'Try it' }).click();
    await card.getByText('passes', { exact: true }).waitFor();
    await card.getByLabel(/^Filter/).fill('event.data.total > 100');
  });

  await journey.step('a transformation shows what would be sent, or its error with the place', async () => {
    await card.getByLabel('Data (JSON)').fill('{"total": 120, "name": "Ada"}');
    await card.getByLabel(/^Transformation/).fill('function transform(event) {\n  return { body: { text: event.data.nome.trim() } };\n}');
    await card.getByRole('button', { name: 'Try it' }).click();
    await card.getByText(/^Line 2, column \d+: /).waitFor();
    await card.getByText('passes', { exact: true }).waitFor();
    await journey.picture(page, 'try-it-error');
    await card.getByLabel(/^Transformation/).fill('function transform(event) {\n  return { body: { text: event.data.name + " paid" } };\n}');
    await card.getByRole('button', { name: 'Try it' }).click();
    await card.getByRole('group', { name: 'Body of the request' }).getByText('{"text":"Ada paid"}').waitFor();
    same(service.requests.length, 1, 'requests: nothing is sent by trying');
  });
  await journey.lookAt(page, 'try-it');
  await page.setViewportSize({ width: 390, height: 800 });
  await journey.lookAt(page, 'try-it-narrow');
  await page.setViewportSize({ width: 1280, height: 800 });

  await journey.step('what is wrong is refused at its field, what is right is saved and works', async () => {
    await card.getByLabel(/^Filter/).fill('event.data.total >');
    await card.getByRole('button', { name: 'Save' }).click();
    await card.locator('.field', { hasText: 'Filter (CEL)' }).getByText(/line 1/i).waitFor();
    await card.getByLabel(/^Filter/).fill('event.data.total > 100');
    await card.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    await card.getByText('event.data.total > 100').waitFor();
    await server.api('POST', '/events', { type: 'order.paid', data: { total: 500, name: 'Grace' } });
    await until('what the transformation gives arrives', () => service.requests.some(({ body }) => body === '{"text":"Grace paid"}'));
    check((await stored()).transformation.includes('paid'), 'The transformation is not stored.');
  });
  await service.stop();
}
