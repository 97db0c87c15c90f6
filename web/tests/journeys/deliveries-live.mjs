/** Deliveries as they happen, filters that can be shared as links, and a webhook's last hour as charts. */

import { check, same, until } from '../support/expect.mjs';
import { live } from '../support/panel.mjs';
import { startReceiver } from '../support/receiver.mjs';

export default async function (journey) {
  const service = await startReceiver(() => ({ text: '{}' }));
  const gone = await startReceiver(() => ({ status: 404, type: 'text/plain', text: 'Not here' }));
  const server = await journey.server({ KANCA_ALLOW_PRIVATE_NETWORKS: '127.0.0.0/8' });
  const create = (name, { url }) => server.api('POST', '/endpoints', { name, url, event_types: ['order.*'] });
  const warehouse = await create('Warehouse', service);
  await create('Moved away', gone);
  const page = await journey.panel(server, '/deliveries');
  await live(page);
  const rows = (window) => window.getByRole('table').getByRole('link', { name: 'order.paid' });

  await journey.step('they appear by themselves, with the state that they are in', async () => {
    await page.evaluate(() => (window.sameDocument = true));
    await server.api('POST', '/events', { type: 'order.paid', data: { order: 1 } });
    await page.getByRole('row', { name: /order\.paid.*Warehouse.*Delivered/ }).waitFor();
    await page.getByRole('row', { name: /order\.paid.*Moved away.*Pending/ }).waitFor();
    same(await rows(page).count(), 2, 'rows');
    check(await page.evaluate(() => window.sameDocument), 'The page was loaded again.');
  });

  await journey.step('a filter is a link: whoever opens it sees the same', async () => {
    await page.getByRole('link', { name: 'Warehouse', exact: true }).first().click();
    await until('one is left', async () => (await rows(page).count()) === 1);
    await page.getByRole('link', { name: 'Delivered', exact: true }).first().click();
    await until('the address has both', () => page.url().includes('status=delivered'));
    check(page.url().includes(`endpoint_id=${warehouse.id}`), `The webhook is not in ${page.url()}`);
    await server.api('POST', '/events', { type: 'order.paid', data: { order: 2 } });
    await until('what fits the filter comes by itself', async () => (await rows(page).count()) === 2);
    const other = await journey.panel(server, page.url().split('#')[1]);
    await until('the same in another window', async () => (await rows(other).count()) === 2);
    await other.close();
  });
  await journey.lookAt(page, 'deliveries-live');

  await journey.step('the webhook’s page draws its last hour, and says it in words and numbers', async () => {
    await page.locator(`a[href="#/webhooks/${warehouse.id}"]`).first().click();
    const hour = page.getByRole('region', { name: 'The last hour' });
    await hour.getByText('2 attempts, 0 failed, 100% succeeded.').first().waitFor();
    for (const title of ['Attempts per minute', 'Success', 'Latency']) await hour.getByText(title, { exact: true }).first().waitFor();
    same(await hour.locator('canvas').count(), 3, 'charts');
    const drawn = await hour.locator('canvas').evaluateAll((all) =>
      all.map((canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte > 0)),
    );
    same(drawn, [true, true, true], 'charts with something on them');
    await hour.getByText('Show as a table').click();
    const cells = await hour.getByRole('table').getByRole('row').nth(1).getByRole('cell').allInnerTexts();
    check(Number(cells[1]) >= 1 && cells[2] === '0', `The newest minute: ${cells}`);
  });
  await service.stop();
  await gone.stop();
}
