/**
 * The README's pictures, taken from the real binary with the demo that it comes with:
 *
 *     npm run pictures            (KANCA_BIN and CHROMIUM as in run.mjs)
 */

import { mkdir, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launch, Windows } from './support/browser.mjs';
import { chatOn } from './support/chat.mjs';
import { until } from './support/expect.mjs';
import { drag, live, middle } from './support/panel.mjs';
import { startServer } from './support/server.mjs';
import { converse } from './support/visitors.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const binary = process.env.KANCA_BIN ?? here('../../target/debug/kanca');
const images = here('../../docs/images');
const VISITORS = [
  [{ name: 'Elif' }, ['Track an order', '2001', 'Talk about webhooks']],
  [{ name: 'Jonas' }, ['Where is my parcel?', '1042', 'Goodbye']],
  [{ name: 'Mert' }, ['Say hello to the webhook', 'Track an order', '3177']],
  [{ name: 'Amélie' }, ['Track an order', '1042']],
];
/** The largest picture that a README should carry, in bytes. */
const LARGEST = 200_000;

await mkdir(images, { recursive: true });
const server = await startServer(binary, {}, '127.0.0.1:8080').catch(() => startServer(binary));
const browser = await launch();
const windows = new Windows(browser);
try {
  const { demo } = await server.api('GET', '/overview');
  const [name, value] = (await server.setUp()).split('=');
  const context = await windows.context({ timezoneId: 'UTC' });
  await context.addCookies([{ name, value, url: server.url }]);
  const page = await context.newPage();

  async function take(picture, shown = page) {
    await shown.mouse.move(0, 0);
    const path = `${images}/${picture}.png`;
    await shown.screenshot({ path });
    const { size } = await stat(path);
    console.log(`docs/images/${picture}.png: ${size} bytes`);
    if (size > LARGEST) throw new Error(`${picture}.png is larger than ${LARGEST} bytes.`);
  }

  for (const [attributes, lines] of VISITORS) await converse(server, demo.bot_id, lines, attributes);

  const visitor = await context.newPage();
  await visitor.goto(`${server.url}/demo`);
  const chat = chatOn(visitor);
  await chat.choose('Track an order');
  await chat.hears('What is your order number?');
  await chat.say('1042');
  await chat.hears('Order 1042');
  await chat.hears('What would you like to try?', 2);
  await visitor.locator('h1').click();
  await take('chat', visitor);

  await page.goto(`${server.url}/#/`);
  await live(page);
  await until('all is delivered', async () => (await server.api('GET', '/overview')).deliveries.pending === 0);
  await page.reload();
  await live(page);
  await take('overview');

  await page.goto(`${server.url}/#/scenarios/${demo.scenario_id}`);
  await page.getByTestId('block-menu').waitFor();
  await page.getByRole('button', { name: 'Fit to window' }).click();
  await page.getByTestId('block-order_hook').click();
  await page.getByTestId('inspector').getByLabel('Webhook', { exact: true }).waitFor();
  const hook = await middle(page.getByTestId('block-order_hook'));
  await drag(page, { x: hook.x, y: hook.y - 200 }, { x: hook.x, y: hook.y - 320 });
  await middle(page.getByTestId('block-order_hook'));
  await take('canvas');

  // The question that the demo's waiting block has asked last.
  const { items } = await server.api('GET', '/events?type=conversation.webhook');
  const { items: requests } = await server.api('GET', `/inboxes/${demo.inbox_id}/requests?limit=100`);
  const asked = await findRequest(requests, items[0].id);
  await page.goto(`${server.url}/#/inboxes/${demo.inbox_id}/requests/${asked}`);
  await page.getByRole('tab', { name: 'Pretty' }).waitFor();
  await live(page);
  await take('inbox');

  async function findRequest(candidates, event) {
    for (const { id } of candidates) {
      const { headers } = await server.api('GET', `/inboxes/${demo.inbox_id}/requests/${id}`);
      if (headers.some(([header, text]) => header === 'webhook-id' && text === event)) return id;
    }
    throw new Error(`The inbox has no request with the event ${event}.`);
  }
} finally {
  await windows.close();
  await browser.close();
  await server.remove();
}
