/** The widget as a visitor meets it: on a strange site, after a reload, without the server, by keyboard, on a phone. */

import { chatOn } from '../support/chat.mjs';
import { check, same, until } from '../support/expect.mjs';
import { startSite } from '../support/site.mjs';

export default async function (journey) {
  const server = await journey.server();
  const { demo } = await server.api('GET', '/overview');
  const tag = (more = '') => `<script src="${server.url}/widget.js" data-bot="${demo.bot_id}" ${more} async></script>`;
  const site = await startSite(tag());
  const turkish = await server.api('POST', '/bots', { name: 'Çiçekçi', language: 'tr' });
  const scenario = await server.api('POST', `/bots/${turkish.id}/scenarios`, { name: 'Karşılama' });
  await server.api('POST', `/scenarios/${scenario.id}/publish`);
  const page = await journey.open(site.url, { colorScheme: 'dark' });
  const chat = chatOn(page);

  await journey.step('opened, talked to and closed by keyboard only, on a site with hostile styles', async () => {
    await chat.widget.getByRole('button', { name: 'Open chat' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await chat.hears('What would you like to try?');
    await page.keyboard.type('Say hello to the webhook');
    await page.keyboard.press('Enter');
    await chat.hears('I sent your hello to the webhook');
    const size = await chat.own.first().evaluate((line) => getComputedStyle(line).fontSize);
    check(parseFloat(size) < 20, `The site’s styles reach into the chat: ${size}`);
    await page.keyboard.press('Escape');
    await chat.input.waitFor({ state: 'hidden' });
    const focus = await page.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.className);
    check(focus?.includes('launcher'), `After closing, the focus is at “${focus}”.`);
    await page.keyboard.press('Enter');
  });

  await journey.step('a reload keeps the conversation', async () => {
    const lines = await chat.widget.locator('.line').count();
    await page.reload();
    await chat.widget.getByRole('button', { name: /^Open chat/ }).click();
    await chat.hears('I sent your hello to the webhook');
    same(await chat.widget.locator('.line').count(), lines, 'lines after the reload');
    same((await server.api('GET', '/conversations')).items.length, 1, 'conversations');
  });
  await journey.lookAt(page, 'widget-dark');

  await journey.step('what is written while the server is away is sent once it is back, once', async () => {
    journey.expectComplaint(/ERR_|WebSocket connection/, 'the server is stopped on purpose');
    await server.stop();
    await chat.widget.getByText('No connection. Trying again…').waitFor();
    await chat.say('Track an order');
    await chat.widget.getByText('Sending…').waitFor();
    await page.reload();
    await server.start();
    await page.reload();
    await chat.widget.getByRole('button', { name: /^Open chat/ }).click();
    await chat.hears('What is your order number?');
    const { items } = await server.api('GET', '/conversations');
    const said = (await server.api('GET', `/conversations/${items[0].id}/messages`)).items;
    same(said.filter(({ text, from }) => from === 'contact' && text === 'Track an order').length, 1, 'times it arrived');
  });

  await journey.step('a conversation that ended can be started again', async () => {
    await chat.say('Goodbye');
    await chat.widget.getByText('This conversation has ended.').waitFor();
    await chat.widget.getByRole('button', { name: 'Start again' }).click();
    await chat.hears('What would you like to try?');
    await chat.input.waitFor();
  });

  await journey.step('two tabs of one visitor show one conversation', async () => {
    const second = await page.context().newPage();
    await second.goto(site.url);
    const other = chatOn(second);
    await other.widget.getByRole('button', { name: /^Open chat/ }).click();
    await other.hears('What would you like to try?');
    await chat.say('Talk about webhooks');
    await until('the other tab shows it', async () => (await other.own.allInnerTexts()).some((line) => line.includes('Talk about webhooks')));
    await second.close();
  });

  const phone = await journey.open(`${server.url}/demo/${turkish.id}`, {
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
    deviceScaleFactor: 2,
  });
  await journey.step('in Turkish, on a phone: it fills the screen', async () => {
    const small = chatOn(phone);
    await small.hears('Merhaba! Size nasıl yardımcı olabilirim?');
    await small.say('Ilık bir İstanbul akşamı');
    await small.hears('Üzgünüm, bunu anlayamadım.');
    await small.widget.getByText('Gönderildi').waitFor();
    same(await phone.evaluate(() => document.documentElement.lang), 'tr', 'the page’s language');
    const panel = await small.widget.locator('.panel').boundingBox();
    same([panel.x, Math.round(panel.width)], [0, 390], 'the panel’s place');
    const overflow = await phone.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    check(overflow <= 0, `The page is ${overflow} px wider than the screen.`);
  });
  await journey.lookAt(phone, 'widget-phone-turkish');
  site.stop();
}
