/**
 * The first minute of a newcomer: the binary is started in an empty place, the printed link is opened, and what was
 * typed into the demo's chat arrives in the demo's inbox.
 */

import { chatOn } from '../support/chat.mjs';
import { check, same, until } from '../support/expect.mjs';
import { OWNER } from '../support/server.mjs';

const FIRST_MINUTE_MS = 60_000;

export default async function (journey) {
  const server = await journey.step('the binary starts and prints its address and a set-up link', async () => {
    const started = await journey.server({ KANCA_API_KEY: '' });
    check((await started.setupLink()).startsWith(`${started.url}/#/setup?token=`), `Not a link to this server:\n${started.printed}`);
    return started;
  });

  let clock = 0;
  const page = await journey.step('the link asks for an e-mail address and a password', async () => {
    const opened = await journey.open(await server.setupLink());
    clock = performance.now();
    await opened.getByRole('heading', { name: 'Set up Kanca' }).waitFor();
    await opened.getByLabel('E-mail address').fill(OWNER.email);
    await opened.getByLabel('Password', { exact: true }).fill('short');
    await opened.getByLabel('Password again').fill('short');
    await opened.getByRole('button', { name: 'Set up and open the panel' }).click();
    await opened.getByText('The password needs at least 10 characters; this one has 5.').waitFor();
    return opened;
  });
  await journey.lookAt(page, 'set-up');

  await journey.step('the first page is the overview, and it already holds a demo', async () => {
    await page.getByLabel('Password', { exact: true }).fill(OWNER.password);
    await page.getByLabel('Password again').fill(OWNER.password);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    await page.getByRole('heading', { name: 'See it work in three steps' }).waitFor();
    check(!page.url().includes('token='), `The used token is still in the address: ${page.url()}`);
  });

  const visitor = await journey.step('one click opens the demo page, with the chat open and the bot speaking first', async () => {
    const [opened] = await Promise.all([page.waitForEvent('popup'), page.getByRole('link', { name: 'Open the demo page' }).click()]);
    same(new URL(opened.url()).pathname, '/demo', 'the address of the demo page');
    await chatOn(opened).hears('What would you like to try?');
    return opened;
  });

  await journey.step('typing into the chat gets an answer', async () => {
    const chat = chatOn(visitor);
    await chat.say('Where is my order?');
    await chat.hears('What is your order number?');
    await chat.say('1042');
    await chat.hears('on its way');
  });

  await journey.step('the conversation is in the demo inbox, signed, within a minute', async () => {
    await page.bringToFront();
    await page.getByRole('link', { name: 'Open the demo inbox' }).click();
    const requests = page.getByRole('list', { name: 'Captured requests, newest first' });
    await until('five requests are listed', async () => (await requests.getByRole('listitem').count()) >= 5);
    await requests.getByText('Signature valid').first().waitFor();
    const took = performance.now() - clock;
    check(took < FIRST_MINUTE_MS, `From the link to the inbox it took ${Math.round(took / 1000)} s.`);
  });

  await journey.step('bot, published scenario, webhook and inbox are all called Demo', async () => {
    const menu = page.getByRole('navigation', { name: 'Main' });
    await menu.getByRole('link', { name: 'Scenarios' }).click();
    const row = page.getByRole('row', { name: /Demo/ });
    await row.getByText('Published, version 1').waitFor();
    await menu.getByRole('link', { name: 'Webhooks' }).click();
    await page.getByRole('link', { name: 'Demo', exact: true }).click();
    await page.getByRole('link', { name: 'Open the inbox' }).waitFor();
    await menu.getByRole('link', { name: 'Inboxes' }).click();
    await page.getByRole('link', { name: 'Demo', exact: true }).waitFor();
    await menu.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  });

  await journey.lookAt(visitor, 'demo-page');
  await journey.lookAt(page, 'overview');
}
