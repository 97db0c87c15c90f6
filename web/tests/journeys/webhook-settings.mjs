/** A webhook with settings of its own, watched while it works: pace, credentials, charts, live deliveries, a new secret. */

import { check, same, until } from '../support/expect.mjs';
import { menu } from '../support/panel.mjs';
import { startReceiver } from '../support/receiver.mjs';

export default async function (journey) {
  const service = await startReceiver(() => ({ text: '{}' }));
  const server = await journey.server({ KANCA_ALLOW_PRIVATE_NETWORKS: '127.0.0.0/8' });
  journey.expectComplaint(/status of 422/, 'Settings are refused on purpose.');
  const page = await journey.panel(server, '/webhooks/new');
  const send = (order) => server.api('POST', '/events', { type: 'order.paid', data: { order } });
  const stored = async () => (await server.api('GET', '/endpoints')).items[0];

  await journey.step('what cannot be read is told at its field, by the panel and by the server', async () => {
    await page.getByLabel('Name', { exact: true }).fill('Billing');
    await page.getByLabel('Address (URL)').fill(service.url);
    await page.getByLabel(/^Other types/).fill('order.*');
    await page.getByText('Advanced', { exact: true }).click();
    await page.getByText('10 attempts in about 3 days').waitFor();
    await page.getByLabel(/^Retry schedule/).fill('0 s, soon');
    await page.getByRole('button', { name: 'Create webhook' }).click();
    await page.getByText('“soon” is no length of time.').waitFor();
    await page.getByLabel(/^Retry schedule/).fill('0 s, 1 s, 5 s, 8 days');
    await page.getByLabel(/^Requests at most/).fill('0');
    await page.getByRole('button', { name: 'Create webhook' }).click();
    await until('the schedule’s own error', () => page.locator('.field', { hasText: 'Retry schedule' }).getByText(/attempt 4/).isVisible());
    await until('the rate’s own error', () => page.locator('.field', { hasText: 'Requests at most' }).getByText(/1 to 1000000/).isVisible());
  });

  await journey.step('settings are stored as they were written', async () => {
    await page.getByLabel(/^Retry schedule/).fill('0 s, 1 s, 5 min, 2 h');
    await page.getByLabel(/^Requests at most/).fill('600');
    await page.getByLabel(/^In a time of/).fill('1 min');
    await page.getByLabel(/^Time for one attempt/).fill('20');
    await page.getByLabel('When it only fails').selectOption('after');
    await page.getByLabel('Disable after', { exact: true }).fill('3 days');
    await page.getByLabel('Authorization').selectOption('basic');
    await page.getByLabel('User name').fill('kanca');
    await page.getByLabel('Password').fill('a-password-of-billing');
    await journey.picture(page, 'webhook-advanced');
    await page.getByRole('button', { name: 'Create webhook' }).click();
    await page.getByRole('heading', { name: 'Billing' }).waitFor();
    const { retry_schedule, rate_limit, timeout_seconds, disable_after_seconds, auth } = await stored();
    same(
      [retry_schedule, rate_limit, timeout_seconds, disable_after_seconds, auth.password],
      [[0, 1, 300, 7200], { requests: 600, per_seconds: 60 }, 20, 259_200, '••••'],
      'what is stored',
    );
  });

  await journey.step('the password stays when the form is saved without touching it', async () => {
    await page.getByRole('link', { name: 'Edit' }).click();
    await page.getByText('Stored, and kept unless you write another.').waitFor();
    await page.getByLabel(/^Most attempts at a time/).fill('4');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Billing' }).waitFor();
    same((await stored()).max_concurrency, 4, 'attempts at a time');
    await send(1);
    await until('a request came', () => service.requests.length > 0);
    const expected = `Basic ${Buffer.from('kanca:a-password-of-billing').toString('base64')}`;
    same(service.requests[0].headers.authorization, expected, 'the header authorization');
  });

  await journey.step('the last hour is drawn, and told as a sentence and a table', async () => {
    service.answer = () => ({ status: 503 });
    await send(2);
    await page.getByText(/3 attempts, 2 failed|[3-9] attempts, [2-9] failed/).waitFor();
    await page.getByText(/Counted since Kanca was started/).waitFor();
    for (const name of [/^Attempts per minute\./, /^Success\./, /^Latency\./]) await page.getByRole('img', { name }).locator('canvas').waitFor();
    await page.getByText('Show as a table').click();
    await page.getByRole('table', { name: 'The last hour' }).waitFor();
  });
  await journey.lookAt(page, 'webhook-charts');

  await journey.step('a new secret, and the one before goes on for a while', async () => {
    const before = (await server.api('GET', `/endpoints/${(await stored()).id}/secret`)).secret;
    await page.getByRole('button', { name: 'Rotate secret' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Keep the old secret valid for').fill('8 days');
    await dialog.getByRole('button', { name: 'Rotate secret' }).click();
    await dialog.getByText(/7 days|604800/).nth(1).waitFor();
    await dialog.getByLabel('Keep the old secret valid for').fill('2 h');
    await dialog.getByRole('button', { name: 'Rotate secret' }).click();
    await page.getByText('The secret before is valid, too, until').waitFor();
    const after = (await server.api('GET', `/endpoints/${(await stored()).id}/secret`)).secret;
    check(after !== before, 'The secret is the same.');
    service.answer = () => ({ text: '{}' });
    const seen = service.requests.length;
    await send(3);
    await until('signed with both', () => service.requests.slice(seen).some(({ headers }) => headers['webhook-signature'].split(' ').length === 2));
  });

  await journey.step('an attempt shows where its time went', async () => {
    await menu(page, 'Events & deliveries');
    await page.getByRole('link', { name: 'Deliveries', exact: true }).click();
    await page.getByRole('table').getByRole('link', { name: 'order.paid' }).first().click();
    await page.getByText('Where the time went').first().waitFor();
    await page.getByText('First byte', { exact: true }).first().waitFor();
    await page.getByText(new URL(service.url).host).first().waitFor();
  });
  await journey.lookAt(page, 'delivery-timings');

  await journey.step('deliveries appear by themselves, unless the view is paused', async () => {
    await page.goto(`${server.url}/#/deliveries?status=delivered&endpoint_id=${(await stored()).id}`);
    const rows = page.getByRole('table').getByRole('link', { name: 'order.paid' });
    await rows.first().waitFor();
    const count = await rows.count();
    await send(4);
    await until('the new one is there', async () => (await rows.count()) === count + 1);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('status').getByText('Paused').waitFor();
    await send(5);
    await until('it is delivered', () => service.requests.some(({ body }) => body.includes('5')));
    same(await rows.count(), count + 1, 'rows while paused');
    await page.getByRole('button', { name: 'Resume' }).click();
    await until('it is there, too', async () => (await rows.count()) === count + 2);
  });
  await journey.lookAt(page, 'deliveries-live');

  await journey.step('the project’s own defaults', async () => {
    await page.goto(`${server.url}/#/settings`);
    await page.getByLabel(/^Retry schedule/).fill('0 s, 10 s, 1 h');
    await page.getByLabel('When it only fails').selectOption('never');
    await page.getByRole('form', { name: 'Defaults of this project’s webhooks' }).getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    const { retry_schedule, disable_after_seconds } = await server.api('GET', '/project');
    same([retry_schedule, disable_after_seconds], [[0, 10, 3600], 0], 'the defaults');
  });
  await journey.lookAt(page, 'settings-defaults');
  await service.stop();
}
