/** After an outage: a test event, what failed is sent again, what was missed is recovered; each counted before it happens. */

import { same, until } from '../support/expect.mjs';
import { startReceiver } from '../support/receiver.mjs';

export default async function (journey) {
  const service = await startReceiver(() => ({ status: 503 }));
  const server = await journey.server({ KANCA_ALLOW_PRIVATE_NETWORKS: '127.0.0.0/8' });
  const page = await journey.panel(server);
  const publish = (order) => server.api('POST', '/events', { type: 'order.paid', data: { order } });
  const counts = async (id) => (await server.api('GET', `/endpoints/${id}`)).counts;
  const { id } = await server.api('POST', '/endpoints', { name: 'Billing', url: service.url, event_types: ['order.*'], retry_schedule: [0] });

  await journey.step('a webhook that only fails says so', async () => {
    for (const order of [1, 2, 3]) await publish(order);
    await until('three failed', async () => (await counts(id)).failed === 3);
    await page.goto(`${server.url}/#/webhooks/${id}`);
    await page.getByText(/All attempts have failed for/).waitFor();
    await page.goto(`${server.url}/#/webhooks`);
    await page.getByRole('table').getByText('failing', { exact: true }).waitFor();
  });
  await journey.lookAt(page, 'webhooks-failing');

  await journey.step('a test event goes out and its delivery opens', async () => {
    service.answer = () => ({ text: '{}' });
    await page.goto(`${server.url}/#/webhooks/${id}`);
    await page.getByRole('button', { name: 'Send a test event' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Data (JSON)').fill('{"order": ');
    await dialog.getByRole('button', { name: 'Send' }).click();
    await dialog.getByText('This is not valid JSON.').waitFor();
    await dialog.getByLabel('Data (JSON)').fill('{"order": 0.50}');
    await journey.picture(page, 'test-event');
    await dialog.getByRole('button', { name: 'Send' }).click();
    await page.getByRole('heading', { name: /test\.ping/ }).waitFor();
    await until('it came', () => service.requests.some(({ headers, body }) => headers['kanca-test'] === 'true' && body.includes('{"order": 0.50}')));
  });

  await journey.step('a selection of deliveries is counted first, then sent again', async () => {
    await page.goto(`${server.url}/#/deliveries?status=failed&endpoint_id=${id}`);
    await page.getByRole('button', { name: 'Send many again…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('3 deliveries will be sent again.').waitFor();
    await dialog.getByLabel('Event type').fill('user.*');
    await dialog.getByText('Nothing matches.').waitFor();
    same(await dialog.getByRole('button', { name: 'Send again' }).isDisabled(), true, 'sending nothing is disabled');
    await dialog.getByLabel('Event type').fill('order.*');
    await dialog.getByText('3 deliveries will be sent again.').waitFor();
    same((await counts(id)).failed, 3, 'failed ones before the button is pressed');
    await journey.lookAt(page, 'replay-many');
    await dialog.getByRole('button', { name: 'Send again' }).click();
    await page.getByText('3 deliveries on the way again.').waitFor();
    await until('they arrive', async () => (await counts(id)).failed === 0);
  });

  await journey.step('what failed since a time is retried, and what was missed is recovered', async () => {
    service.answer = () => ({ status: 503 });
    await publish(4);
    await until('it failed', async () => (await counts(id)).failed === 1);
    await server.api('PATCH', `/endpoints/${id}`, { status: 'disabled' });
    await publish(5);
    await server.api('PATCH', `/endpoints/${id}`, { status: 'active' });
    service.answer = () => ({ text: '{}' });
    await page.goto(`${server.url}/#/webhooks/${id}`);
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'Retry failed…' }).click();
    await dialog.getByText('1 delivery will be sent again.').waitFor();
    await dialog.getByRole('button', { name: 'Send again' }).click();
    await until('it arrives', async () => (await counts(id)).failed === 0);
    await page.getByRole('button', { name: 'Recover…' }).click();
    await dialog.getByText('1 event will be delivered.').waitFor();
    await journey.picture(page, 'recover');
    await dialog.getByRole('button', { name: 'Recover' }).click();
    await until('it arrives', () => service.requests.some(({ body }) => body.includes('"order":5')));
  });
  await service.stop();
}
