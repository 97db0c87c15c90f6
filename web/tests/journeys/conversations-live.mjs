/** Conversations in the panel as they happen: several visitors, filters, a stream that was lost, narrow and dark. */

import { chatOn } from '../support/chat.mjs';
import { same, until } from '../support/expect.mjs';
import { live } from '../support/panel.mjs';

export default async function (journey) {
  const server = await journey.server();
  const page = await journey.panel(server, '/conversations', { colorScheme: 'dark' });
  await live(page);
  await page.getByText('No conversations yet').waitFor();
  const list = page.getByRole('list', { name: 'Conversations, last change first' });
  const messages = page.getByRole('log', { name: 'Messages' });

  const first = chatOn(await journey.open(`${server.url}/demo`));
  await journey.step('a conversation appears by itself', async () => {
    await first.hears('What would you like to try?');
    await until('one conversation is listed', async () => (await list.getByRole('listitem').count()) === 1);
    await list.getByRole('link').click();
    await messages.getByText('What would you like to try?').waitFor();
    await page.getByRole('list', { name: 'Offered choices' }).getByText('Track an order').waitFor();
  });

  await journey.step('what the visitor answers is known at once', async () => {
    await first.choose('Track an order');
    await first.hears('What is your order number?');
    await first.say('1042');
    await page.getByRole('row', { name: 'order_no 1042' }).waitFor();
    await messages.getByText('on its way').waitFor();
  });

  await journey.step('the conversation that changed last stands first', async () => {
    const second = chatOn(await journey.open(`${server.url}/demo`));
    await second.hears('What would you like to try?');
    await until('two conversations are listed', async () => (await list.getByRole('listitem').count()) === 2);
    await second.say('Goodbye');
    await list.getByRole('listitem').first().getByText('Ended').waitFor();
    await list.getByRole('listitem').nth(1).getByText('Open', { exact: true }).waitFor();
  });
  await journey.lookAt(page, 'conversations-dark');

  await journey.step('filters are part of the address', async () => {
    await page.getByRole('link', { name: 'Ended', exact: true }).click();
    await until('one ended conversation is listed', async () => (await list.getByRole('listitem').count()) === 1);
    await page.reload();
    await live(page);
    await until('still one', async () => (await list.getByRole('listitem').count()) === 1);
    await page.getByRole('link', { name: 'All', exact: true }).first().click();
  });

  await journey.step('after a lost stream nothing is missing and nothing is there twice', async () => {
    journey.expectComplaint(/ERR_|WebSocket connection/, 'the server is restarted on purpose');
    await until('two conversations are listed', async () => (await list.getByRole('listitem').count()) === 2);
    await list.getByRole('link').filter({ hasText: 'Open' }).click();
    await messages.getByText('on its way').waitFor();
    await server.stop();
    await page.getByRole('status').filter({ hasText: 'Reconnecting…' }).waitFor();
    await server.start();
    await first.say('Say hello to the webhook');
    await messages.getByText('I sent your hello to the webhook').waitFor();
    same(await messages.locator('.contact').getByText('Say hello to the webhook', { exact: true }).count(), 1, 'the message in the log');
  });

  await journey.step('on a phone the list gives way to the conversation, and back', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await messages.waitFor();
    await page.getByRole('link', { name: 'All conversations' }).click();
    await list.waitFor();
  });
  await journey.lookAt(page, 'conversations-phone');
}
