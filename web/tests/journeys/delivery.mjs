/** A delivery that fails: why, what was sent and what came back, sent again by hand, taken along as curl. */

import { check, same, until } from '../support/expect.mjs';
import { menu } from '../support/panel.mjs';
import { startReceiver } from '../support/receiver.mjs';

export default async function (journey) {
  const service = await startReceiver(() => ({ status: 503, type: 'text/plain', text: 'Back in a minute' }));
  const server = await journey.server({ KANCA_ALLOW_PRIVATE_NETWORKS: '127.0.0.0/8' });
  await server.api('POST', '/endpoints', {
    name: 'Warehouse',
    url: service.url,
    event_types: ['order.*'],
    headers: { 'x-api-key': 'a-secret-of-the-warehouse' },
  });
  await server.api('POST', '/events', { type: 'order.paid', data: { order: 1042, total: '149.90' } });
  const page = await journey.panel(server);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.url });

  await journey.step('the event says why it went where it went', async () => {
    await menu(page, 'Events & deliveries');
    await page.getByRole('table').getByRole('link', { name: 'order.paid' }).click();
    const why = page.getByRole('region', { name: 'Why it was delivered, or not' });
    await why.getByRole('link', { name: 'Warehouse' }).waitFor();
    await why.getByText(/The receiver answered 503/).first().waitFor();
    await why.getByText('This webhook does not subscribe to order.paid.').waitFor();
  });

  await journey.step('the failed attempt shows its reason, the request and the response', async () => {
    await menu(page, 'Events & deliveries');
    await page.getByRole('link', { name: 'Deliveries', exact: true }).click();
    await page.getByRole('table').getByRole('link', { name: 'order.paid' }).click();
    await page.getByText('Attempt 1').waitFor();
    await page.getByText('503', { exact: true }).first().waitFor();
    await page.getByText(/Waits for its next attempt/).waitFor();
    await page.getByText('Back in a minute').first().waitFor();
    await page.getByText('"1042"').or(page.getByText('1042')).first().waitFor();
    check(!(await page.content()).includes('a-secret-of-the-warehouse'), 'The secret header is shown.');
    await page.getByRole('row', { name: /x-api-key ••••/ }).waitFor();
  });
  await journey.lookAt(page, 'delivery-failed');

  await journey.step('it can be taken along as curl, without the secret', async () => {
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    await page.getByText('Copied').first().waitFor();
    const command = await page.evaluate(() => navigator.clipboard.readText());
    check(command.startsWith('curl -X POST') && command.includes(service.url), `Not a command for this delivery: ${command}`);
    check(!command.includes('a-secret-of-the-warehouse'), 'The secret header is in the command.');
  });

  await journey.step('Retry sends the same event again, and it is delivered', async () => {
    const ids = () => service.requests.map(({ headers }) => headers['webhook-id']);
    // The schedule's own second attempt comes after seconds; the third only after minutes, so it cannot come between.
    await page.getByText('Attempt 2').waitFor();
    service.answer = () => ({ text: '{}' });
    await page.getByRole('button', { name: 'Retry now' }).click();
    await page.getByText('Attempt 3').waitFor();
    await page.getByRole('status').getByText('Delivered').waitFor();
    await page.getByRole('button', { name: 'Send again' }).click();
    await page.getByText('Attempt 4').waitFor();
    await page.getByText('by hand').first().waitFor();
    same([ids().length, new Set(ids()).size], [4, 1], 'requests, and webhook-ids among them');
  });

  await journey.step('the webhook’s page counts it', async () => {
    await menu(page, 'Webhooks');
    await page.getByRole('link', { name: 'Warehouse' }).click();
    await until('one is counted', async () => /1\s*Delivered/.test(await page.getByRole('link', { name: /Delivered/ }).first().innerText()));
  });
  await journey.lookAt(page, 'webhook-with-deliveries');

  await journey.step('a delivery that waits says for what', async () => {
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused: deliveries are kept').waitFor();
    await server.api('POST', '/events', { type: 'order.paid', data: { order: 2 } });
    await menu(page, 'Events & deliveries');
    await page.getByRole('link', { name: 'Deliveries', exact: true }).click();
    await page.getByRole('row', { name: /Pending/ }).getByRole('link', { name: 'order.paid' }).click();
    await page.getByText('Waits until the webhook is resumed').waitFor();
  });
  await service.stop();
}
