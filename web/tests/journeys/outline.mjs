/** A scenario built without touching the mouse: text, webhook, end, published. Only Tab, Enter, arrows and letters. */

import { check, same, until } from '../support/expect.mjs';
import { saved } from '../support/panel.mjs';

/** Presses Tab until the element has the focus, as a person would. */
async function tabTo(page, locator, key = 'Tab') {
  for (let steps = 0; steps < 120; steps += 1) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  throw new Error(`${key} does not reach ${locator}`);
}

export default async function (journey) {
  const server = await journey.server();
  const { items } = await server.api('GET', '/endpoints');
  const bot = await server.api('POST', '/bots', { name: 'Keyboard' });
  const scenario = await server.api('POST', `/bots/${bot.id}/scenarios`, { name: 'Keyboard' });
  const page = await journey.panel(server, `/scenarios/${scenario.id}`);
  const press = (...keys) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-outline') ?? '');

  await journey.step('the outline is reached and opened', async () => {
    await tabTo(page, page.getByTestId('view-outline'));
    await press('Enter');
    await page.getByTestId('outline-hello').waitFor();
  });

  /** Adds a block after another one; the keyboard then stands at the new one. */
  async function add(after, words) {
    await tabTo(page, page.getByTestId(`outline-add-${after}`));
    await press('Enter');
    await page.getByTestId('picker-search').waitFor();
    await page.keyboard.type(words);
    await press('Enter');
    return until(`the keyboard stands at the new block (${words})`, async () => {
      const id = await focused();
      return id !== after && id !== '' && id;
    });
  }

  const text = await journey.step('a text after the greeting', async () => {
    const id = await add('hello', 'bot response');
    await press('Enter');
    await tabTo(page, page.getByTestId('message-0'));
    await page.keyboard.type('One moment, I ask for you.');
    await until('it is in the outline', () => page.getByTestId(`outline-${id}`).getByText('One moment').isVisible());
    return id;
  });

  const webhook = await journey.step('a webhook after it, and its endpoint chosen', async () => {
    await press('Escape');
    const id = await add(text, 'webhook');
    await press('Enter');
    await tabTo(page, page.getByTestId('endpoint-select'));
    await press('ArrowDown');
    same(await page.getByTestId('endpoint-select').inputValue(), items[0].id, 'the chosen webhook');
    return id;
  });

  const end = await journey.step('the end, with last words', async () => {
    await press('Escape');
    const id = await add(webhook, 'close chat');
    await press('Enter');
    await tabTo(page, page.getByRole('textbox', { name: 'Last words' }));
    await page.keyboard.type('Goodbye!');
    await saved(page);
    return id;
  });
  await journey.lookAt(page, 'outline');

  await journey.step('undo and redo', async () => {
    await press('Escape');
    await tabTo(page, page.getByTestId('undo'), 'Shift+Tab');
    await press('Enter');
    await until('the words are gone', async () => !(await page.getByTestId(`outline-${end}`).innerText()).includes('Goodbye!'));
    await tabTo(page, page.getByTestId('redo'));
    await press('Enter');
    await page.getByTestId(`outline-${end}`).getByText('Goodbye!').waitFor();
    await saved(page);
  });

  await journey.step('Publish, and the bot says what was written', async () => {
    await tabTo(page, page.getByRole('button', { name: 'Publish' }));
    await press('Enter');
    await page.getByText('Published, version 1.').waitFor();
    const stored = await server.api('GET', `/scenarios/${scenario.id}`);
    const chain = ['start'];
    for (let edge; (edge = stored.draft.edges.find(({ from }) => from === chain.at(-1))); ) chain.push(edge.to);
    same(chain, ['start', 'hello', text, webhook, end], 'the path that was built');
    check(stored.active, 'The scenario is not the bot’s active one.');
  });
  await page.setViewportSize({ width: 390, height: 844 });
  await journey.lookAt(page, 'outline-phone');
}
