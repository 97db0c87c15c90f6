/**
 * The product from nothing: an address, a webhook to it, a scenario drawn with the mouse, and a conversation that
 * arrives in the inbox while it happens. The address guard is closed, as it is for everybody at first.
 */

import { chatOn } from '../support/chat.mjs';
import { check, same, until } from '../support/expect.mjs';
import { drag, live, menu, middle, publish, saved } from '../support/panel.mjs';

const ANSWER = '{"messages":[{"type":"text","text":"Your order is on its way"}]}';

export default async function (journey) {
  const server = await journey.server();
  const page = await journey.panel(server);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.url });

  const address = await journey.step('Inboxes → New address: one click, and the address is there to copy', async () => {
    await menu(page, 'Inboxes');
    await page.getByRole('button', { name: 'New address' }).click();
    await page.getByText('Waiting for the first request').waitFor();
    const shown = await page.getByLabel('Address', { exact: true }).inputValue();
    check(shown.startsWith(`${server.url}/in/`), `Not an address of this server: ${shown}`);
    await page.getByRole('button', { name: 'Copy Address' }).click();
    await page.getByText('Copied').first().waitFor();
    same(await page.evaluate(() => navigator.clipboard.readText()), shown, 'the clipboard');
    return shown;
  });
  const inboxHash = new URL(page.url()).hash;

  await journey.step('Integrations → Webhooks → New webhook: a name, and the address pasted', async () => {
    await menu(page, 'Webhooks');
    await page.getByRole('link', { name: 'New webhook' }).click();
    await page.getByLabel('Name', { exact: true }).fill('Order desk');
    await page.getByLabel('Address (URL)').focus();
    await page.keyboard.press('Control+V');
    same(await page.getByLabel('Address (URL)').inputValue(), address, 'what was pasted');
    await page.getByRole('button', { name: 'Create webhook' }).click();
    await page.getByRole('heading', { name: 'Order desk', level: 1 }).waitFor();
    await page.getByText('Copy the signing secret now').waitFor();
    await page.getByRole('link', { name: 'Open the inbox' }).waitFor();
  });
  await journey.lookAt(page, 'webhook');

  await journey.step('Scenarios → New scenario opens the canvas', async () => {
    await menu(page, 'Scenarios');
    await page.getByRole('button', { name: 'New scenario' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('Order status');
    await page.getByRole('button', { name: 'Create and draw' }).click();
    await page.getByTestId('block-hello').waitFor();
  });

  const webhook = await journey.step('the Webhook block is dragged from the palette onto the canvas', async () => {
    const hello = await middle(page.getByTestId('block-hello'));
    const before = await page.locator('.svelte-flow__node').count();
    await drag(page, await middle(page.getByTestId('palette-webhook')), { x: hello.x + 120, y: hello.y - 170 });
    const block = page.locator('.svelte-flow__node[data-id^="webhook_"]');
    await block.waitFor();
    same(await page.locator('.svelte-flow__node').count(), before + 1, 'blocks on the canvas');
    return (await block.getAttribute('data-id')) ?? '';
  });

  await journey.step('it is joined from handle to handle', async () => {
    await drag(page, await middle(page.getByTestId('port-hello-next')), await middle(page.getByTestId(`target-${webhook}`)));
    await page.getByRole('group', { name: 'Connection from Greeting (Next) to Webhook' }).waitFor();
  });

  await journey.step('a click on it shows its fields; the webhook is chosen there', async () => {
    const { x, y } = await middle(page.getByTestId(`block-${webhook}`));
    await page.mouse.click(x, y - 10);
    await page.getByTestId('inspector').getByRole('heading', { name: 'Webhook' }).waitFor();
    await page.getByTestId('endpoint-select').selectOption({ label: 'Order desk' });
    await page.getByTestId(`block-${webhook}`).getByText('Order desk').waitFor();
    await saved(page);
  });
  await journey.lookAt(page, 'canvas');

  const visitor = await journey.step('Publish, then its chat page', async () => {
    await publish(page, 1);
    const [opened] = await Promise.all([page.waitForEvent('popup'), page.getByRole('link', { name: 'Open the chat page' }).click()]);
    return opened;
  });

  const [inbox, conversations] = await Promise.all([
    journey.panel(server, inboxHash.slice(1)),
    journey.panel(server, '/conversations'),
  ]);
  await Promise.all([live(inbox), live(conversations)]);
  const chat = chatOn(visitor);

  await journey.step('talking: the panel shows the conversation as it happens', async () => {
    await chat.hears('Hello! How can I help you?');
    await chat.say('Is anybody there?');
    await conversations.getByRole('list', { name: 'Conversations, last change first' }).getByRole('link').first().click();
    await conversations.getByRole('log', { name: 'Messages' }).getByText('Is anybody there?').waitFor();
    await chat.hears('Sorry, I did not understand that.');
    await conversations.getByRole('log', { name: 'Messages' }).getByText('Sorry, I did not understand that.').waitFor();
  });
  await journey.lookAt(conversations, 'conversations');

  await journey.step('and the inbox shows the requests, each with its signature checked', async () => {
    const list = inbox.getByRole('list', { name: 'Captured requests, newest first' });
    // conversation.started, contact.created, message.sent, conversation.webhook, message.received, message.sent
    await until('six requests are listed', async () => (await list.getByRole('listitem').count()) >= 6);
    same(await list.getByText('Signature valid').count(), await list.getByRole('listitem').count(), 'valid signatures');
    await list.getByRole('link').first().click();
    await inbox.getByRole('tab', { name: 'Pretty' }).waitFor();
    const detail = inbox.getByRole('article');
    await detail.getByText('Signature valid').waitFor();
    await detail.getByRole('rowheader', { name: 'webhook-signature' }).waitFor();
    await detail.getByText('application/json').first().waitFor();
    check(/\d+(\.\d+)? (bytes|B|kB)/i.test(await detail.innerText()), 'The request has no size.');
    const pretty = await detail.getByRole('tabpanel').innerText();
    check(/^\{\n\s+"type": "/.test(pretty), `The body is not laid out:\n${pretty.slice(0, 200)}`);
    await detail.getByRole('tab', { name: 'Text' }).click();
    check((await detail.getByRole('tabpanel').innerText()).startsWith('{"type":"'), 'The text is not as it came.');
    await detail.getByRole('tab', { name: 'Hex' }).click();
    await detail.getByRole('tabpanel').getByText('7b 22 74 79').waitFor();
    await detail.getByRole('tab', { name: 'Pretty' }).click();
  });
  await journey.lookAt(inbox, 'inbox');

  await journey.step('the inbox is told to answer, the block to wait: the bot says the answer', async () => {
    await inbox.getByRole('link', { name: 'Settings', exact: true }).last().click();
    await inbox.getByLabel('Body').fill(ANSWER);
    await inbox.getByRole('button', { name: 'Save' }).click();
    await inbox.getByText('Saved.').waitFor();
    await page.getByTestId('webhook-mode').selectOption('wait');
    await saved(page);
    await publish(page, 2);
    // A conversation keeps the version it began with, so this is another visitor.
    const next = chatOn(await journey.open(visitor.url()));
    await next.hears('Your order is on its way');
  });
}
