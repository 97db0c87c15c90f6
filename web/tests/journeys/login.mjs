/** The owner's door: log-in and log-out, a wrong password, a forgotten one, and a link that works once. */

import { check, until } from '../support/expect.mjs';
import { OWNER } from '../support/server.mjs';

const NEW_PASSWORD = 'another four plain words';

export default async function (journey) {
  const server = await journey.server();
  const usedLink = await server.setupLink();
  await server.setUp();
  const page = await journey.open(server.url);

  async function logIn(password) {
    await page.getByLabel('E-mail address').fill(OWNER.email);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
  }

  await journey.step('a wrong password is refused with a sentence', async () => {
    journey.expectComplaint(/status of 40[13] .*\/api\/v1\/(session|setup)/, 'the browser reports the refusals that this journey asks for');
    await page.getByRole('heading', { name: 'Log in to Kanca' }).waitFor();
    await logIn('not the password at all');
    await page.getByRole('alert').getByText('E-mail address or password is wrong.').waitFor();
  });
  await journey.lookAt(page, 'login');

  await journey.step('the right one opens the panel, at the page that was asked for', async () => {
    await page.goto(`${server.url}/#/inboxes`);
    await logIn(OWNER.password);
    await page.getByRole('heading', { name: 'Inboxes', level: 1 }).waitFor();
  });

  await journey.step('a reload keeps the session, log-out ends it', async () => {
    await page.reload();
    await page.getByRole('heading', { name: 'Inboxes', level: 1 }).waitFor();
    await page.goto(`${server.url}/#/settings/account`);
    await page.getByRole('button', { name: 'Log out', exact: true }).click();
    await page.getByRole('heading', { name: 'Log in to Kanca' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Log in to Kanca' }).waitFor();
  });

  await journey.step('a link that was used works no more', async () => {
    const late = await journey.open(usedLink);
    await late.getByLabel('E-mail address').fill(OWNER.email);
    await late.getByLabel('Password', { exact: true }).fill(NEW_PASSWORD);
    await late.getByLabel('Password again').fill(NEW_PASSWORD);
    await late.keyboard.press('Enter');
    await late.getByRole('alert').getByText(/setup-link/).waitFor();
  });

  await journey.step('a forgotten password: the page names the command, its link replaces the password', async () => {
    await page.getByText('Forgot the password?').click();
    await page.getByText('kanca setup-link').waitFor();
    const link = await server.newSetupLink();
    check(link.startsWith(`${server.url}/#/setup?token=`), `Not a link to this server: ${link}`);
    await page.goto(link);
    await page.getByLabel('E-mail address').fill(OWNER.email);
    await page.getByLabel('Password', { exact: true }).fill(NEW_PASSWORD);
    await page.getByLabel('Password again').fill(NEW_PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  });

  await journey.step('the old password is refused from now on', async () => {
    const answer = await until('the server answers', () =>
      fetch(`${server.url}/api/v1/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: server.url, 'kanca-panel': '1' },
        body: JSON.stringify(OWNER),
      }),
    );
    check(answer.status === 401, `The old password was answered with ${answer.status}.`);
  });
  await journey.lookAt(page, 'after-reset');
}
