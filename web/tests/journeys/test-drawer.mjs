/** The test drawer: the draft is talked to before it is published, and the canvas shows where the conversation stands. */

import { check, until } from '../support/expect.mjs';
import { saved } from '../support/panel.mjs';

export default async function (journey) {
  const server = await journey.server();
  const { demo } = await server.api('GET', '/overview');
  const page = await journey.panel(server, `/scenarios/${demo.scenario_id}`, { viewport: { width: 1440, height: 900 } });
  const log = page.getByTestId('test-log');
  const standsAt = (id) => until(`the canvas shows that it stands at ${id}`, () => page.locator(`.svelte-flow__node[data-id="${id}"] .live`).isVisible());

  await journey.step('Test bot starts a conversation over the draft', async () => {
    await page.getByTestId('block-menu').waitFor();
    await page.getByRole('button', { name: 'Test bot' }).click();
    await log.getByText('What would you like to try?').waitFor();
    await standsAt('menu');
  });

  await journey.step('a choice moves it on, block by block', async () => {
    await log.getByRole('button', { name: 'Track an order' }).click();
    await log.getByText('What is your order number?').waitFor();
    await standsAt('ask_order');
    await page.getByTestId('test-input').fill('1042');
    await page.keyboard.press('Enter');
    await log.getByText('on its way').waitFor();
    await standsAt('menu');
    await page.getByText(/Attributes now \([1-9]/).click();
    await page.getByText('order_no', { exact: true }).waitFor();
  });
  await journey.lookAt(page, 'test-drawer');

  await journey.step('the test is marked as one among the conversations', async () => {
    const { items } = await server.api('GET', '/conversations');
    check(items.length === 1 && items[0].test, 'There is no conversation marked as a test.');
  });

  await journey.step('a draft with errors is not tested; the errors are shown and lead to their block', async () => {
    journey.expectComplaint(/status of 422 .*\/(test|publish)/, 'the browser reports the refusal that this journey asks for');
    await page.getByTestId('side-block').click();
    await page.getByTestId('palette-question').click();
    await saved(page);
    await page.getByTestId('side-test').click();
    await page.getByTestId('test-drawer').getByRole('button', { name: 'Start again' }).click();
    await page.getByRole('alert').getByText('The draft has errors. Solve them, then test.').waitFor();
    await page.getByTestId('test-drawer').getByRole('button', { name: 'Problems' }).click();
    const problem = page.getByTestId('problems').getByRole('button').first();
    await problem.waitFor();
  });
  await journey.lookAt(page, 'problems');

  await journey.step('Publish says how many, and publishes nothing', async () => {
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByText(/Not published: \d+ problems? to solve first\./).waitFor();
    await page.getByTestId('problems').getByRole('button').first().click();
    await page.getByTestId('inspector').getByRole('heading', { name: 'Question' }).waitFor();
    const { published } = await server.api('GET', `/scenarios/${demo.scenario_id}`);
    check(published.number === 1, `Version ${published.number} was published.`);
  });
}
