/** The panel in Turkish, light and dark, wide and narrow: every page, none of it wider than the screen. */

import { chatOn } from '../support/chat.mjs';
import { check, same, until } from '../support/expect.mjs';
import { menu } from '../support/panel.mjs';
import { startReceiver } from '../support/receiver.mjs';
import { OWNER } from '../support/server.mjs';

const PAGES = [
  ['Genel Bakış', 'overview'],
  ['Konuşmalar', 'conversations'],
  ['Senaryolar', 'scenarios'],
  ['Web Kancaları', 'webhooks'],
  ['Olaylar ve Teslimatlar', 'events'],
  ['Gelen Kutuları', 'inboxes'],
  ['Ayarlar', 'settings'],
];

export default async function (journey) {
  const service = await startReceiver(() => ({ status: 503 }));
  const server = await journey.server({ KANCA_ALLOW_PRIVATE_NETWORKS: '127.0.0.0/8' });
  const { demo } = await server.api('GET', '/overview');
  const chat = chatOn(await journey.open(`${server.url}/demo`));
  await chat.hears('What would you like to try?');
  await server.setUp();
  const page = await journey.open(server.url, { locale: 'tr-TR' });

  async function fits() {
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    check(overflow <= 0, `${page.url()} is ${overflow} px wider than the screen.`);
  }

  await journey.step('a Turkish browser gets the panel in Turkish, refusals too', async () => {
    journey.expectComplaint(/status of 401 .*\/api\/v1\/session/, 'the browser reports the refusal that this journey asks for');
    await page.getByLabel('E-posta adresi').fill(OWNER.email);
    await page.getByLabel('Parola').fill('yanlış bir parola');
    await page.keyboard.press('Enter');
    await page.getByText('E-posta adresi ya da parola yanlış.').waitFor();
    await page.getByLabel('Parola').fill(OWNER.password);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Genel Bakış' }).waitFor();
    same(await page.evaluate(() => document.documentElement.lang), 'tr', 'the page’s language');
  });

  for (const [name, picture] of PAGES) {
    await journey.step(`${name}`, async () => {
      await menu(page, name);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.locator('[aria-busy="true"]').waitFor({ state: 'detached' });
      await fits();
    });
    await journey.lookAt(page, `tr-${picture}`);
  }

  await journey.step('the server’s reasons are Turkish, too', async () => {
    const create = (name, more) => server.api('POST', '/endpoints', { name, url: service.url, event_types: ['order.*'], ...more });
    const refusing = await create('Depo', { retry_schedule: [0] });
    await create('Büyükler', { filter: 'event.data.n > 100' });
    await create('Üyeler', { event_types: ['user.*'] });
    const closed = await create('Kapalı', {});
    await server.api('PATCH', `/endpoints/${closed.id}`, { status: 'disabled' });
    const { id } = await server.api('POST', '/events', { type: 'order.paid', data: { n: 1 } });
    await until('it failed', async () => (await server.api('GET', `/endpoints/${refusing.id}`)).counts.failed === 1);
    await page.goto(`${server.url}/#/events/${id}`);
    for (const reason of [
      'Alıcı 503 yanıtını verdi.',
      'Filtresi bu olayı geçirmiyor: event.data.n > 100',
      'Bu web kancası order.paid türüne abone değil.',
      'Olay yayımlandığında bu web kancası devre dışıydı',
    ]) {
      await page.getByText(reason).first().waitFor();
    }
    await fits();
    await journey.lookAt(page, 'tr-trace');
    await page.getByRole('link', { name: 'Başarısız' }).first().click();
    await page.getByText('Alıcı 503 yanıtını verdi.').first().waitFor();
    await page.goto(`${server.url}/#/deliveries?status=failed`);
    await page.getByRole('row', { name: /Alıcı 503 yanıtını verdi/ }).waitFor();
    await page.goto(`${server.url}/#/webhooks/${closed.id}`);
    await page.getByText('Elle devre dışı bırakıldı.').waitFor();
  });

  await journey.step('dark and narrow', async () => {
    await page.getByRole('complementary').getByLabel('Tema').selectOption('dark');
    await page.setViewportSize({ width: 390, height: 844 });
    for (const path of ['/', '/conversations', '/scenarios', '/webhooks', '/events', '/deliveries', '/inboxes', `/inboxes/${demo.inbox_id}`, `/webhooks/${demo.endpoint_id}`, '/webhooks/new']) {
      await page.goto(`${server.url}/#${path}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await fits();
    }
  });
  await journey.lookAt(page, 'tr-dark-narrow');

  await journey.step('the language is chosen in the menu and kept', async () => {
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.getByRole('complementary').getByLabel('Dil').selectOption('en');
    await page.getByText('New webhook').first().waitFor();
    await page.reload();
    await page.getByText('New webhook').first().waitFor();
  });
  await service.stop();
}
