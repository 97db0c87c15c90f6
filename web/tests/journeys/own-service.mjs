/**
 * A service of one's own behind the bot: its answer is said in the chat, and when it is switched off the visitor hears
 * the scenario's error path. The service is on this machine, so loopback has to be opened for it.
 */

import { chatOn } from '../support/chat.mjs';
import { same } from '../support/expect.mjs';
import { menu, publish, saved } from '../support/panel.mjs';
import { startReceiver } from '../support/receiver.mjs';

export default async function (journey) {
  const service = await startReceiver(() => ({ text: '{"messages":[{"type":"text","text":"The service says hello"}]}' }));
  const server = await journey.server({ KANCA_ALLOW_PRIVATE_NETWORKS: '127.0.0.0/8' });
  const page = await journey.panel(server, '/webhooks/new');

  await journey.step('a webhook to a service of one’s own', async () => {
    await page.getByLabel('Name', { exact: true }).fill('My service');
    await page.getByLabel('Address (URL)').fill(service.url);
    await page.getByRole('button', { name: 'Create webhook' }).click();
    await page.getByRole('heading', { name: 'My service', level: 1 }).waitFor();
  });

  await journey.step('chosen in the demo’s waiting block', async () => {
    await menu(page, 'Scenarios');
    await page.getByRole('link', { name: 'Demo', exact: true }).click();
    await page.getByTestId('block-order_hook').click();
    await page.getByTestId('endpoint-select').selectOption({ label: 'My service' });
    await saved(page);
    await publish(page, 2);
  });

  const chat = chatOn(await journey.open(`${server.url}/demo`));
  await journey.step('the bot says what the service answers', async () => {
    await chat.choose('Track an order');
    await chat.hears('What is your order number?');
    await chat.say('1042');
    await chat.hears('The service says hello');
    // It gets all other events, too, in no order.
    const events = service.requests.map((request) => JSON.parse(request.body));
    const event = events.find(({ type }) => type === 'conversation.webhook');
    same(event.data.contact.attributes.order_no, 1042, 'the order number that the service got');
  });

  await journey.step('with the service switched off the visitor hears the error path, not silence', async () => {
    await service.stop();
    await chat.choose('Track an order');
    await chat.hears('Which order is it? A number such as 1042.');
    await chat.say('2001');
    await chat.hears('The webhook could not be reached just now.');
  });

  await journey.step('and the panel says why', async () => {
    await menu(page, 'Events & deliveries');
    await page.getByRole('link', { name: 'Deliveries', exact: true }).click();
    await page.getByText(/refused|did not connect|could not connect/i).first().waitFor();
  });
  await journey.lookAt(page, 'deliveries');
}
