/** Scenarios as files: exported, imported as a new one and into an open one, and files that are something else. */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { check, same, until } from '../support/expect.mjs';
import { menu, publish, saved } from '../support/panel.mjs';

export default async function (journey) {
  const server = await journey.server();
  const { demo } = await server.api('GET', '/overview');
  const page = await journey.panel(server, `/scenarios/${demo.scenario_id}`);
  const file = join(server.directory, 'export.json');
  const blocks = page.locator('.svelte-flow__node');
  let count = 0;

  async function choose(button, path) {
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), button.click()]);
    await chooser.setFiles(path);
  }

  await journey.step('Export saves a file that bears the scenario’s name', async () => {
    await page.getByTestId('block-menu').waitFor();
    count = await blocks.count();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('export').click()]);
    check(/demo.*\.json$/i.test(download.suggestedFilename()), `Saved as ${download.suggestedFilename()}`);
    await download.saveAs(file);
    const document = JSON.parse(await readFile(file, 'utf8'));
    same([document.schema, document.name, document.blocks.length], ['kanca.scenario/1', 'Demo', count], 'the file');
  });

  await journey.step('Import makes a new scenario of it, which can be published at once', async () => {
    await menu(page, 'Scenarios');
    await choose(page.getByRole('button', { name: 'Import' }), file);
    const dialog = page.getByRole('dialog');
    await dialog.getByText('export.json').waitFor();
    await dialog.getByLabel('Name').fill('A copy');
    await dialog.getByRole('button', { name: 'Create and draw' }).click();
    await page.getByTestId('block-menu').waitFor();
    same(await page.getByTestId('scenario-name').inputValue(), 'A copy', 'the name');
    same(await blocks.count(), count, 'blocks of the copy');
    await publish(page, 1);
  });

  await journey.step('importing into an open scenario replaces it, and undo brings it back', async () => {
    const document = JSON.parse(await readFile(file, 'utf8'));
    document.blocks = document.blocks.filter(({ id }) => ['start', 'hello'].includes(id));
    document.edges = document.edges.filter(({ from, to }) => from === 'start' && to === 'hello');
    const small = join(server.directory, 'small.json');
    await writeFile(small, JSON.stringify(document));
    await choose(page.getByTestId('import'), small);
    await page.getByText('Imported. Undo brings the old scenario back.').waitFor();
    await until('two blocks', async () => (await blocks.count()) === 2);
    await page.getByTestId('undo').click();
    await until('the old scenario', async () => (await blocks.count()) === count);
    await saved(page);
  });

  await journey.step('a file that is no scenario is refused with a sentence', async () => {
    const wrong = join(server.directory, 'wrong.json');
    await writeFile(wrong, 'not JSON at all');
    await choose(page.getByTestId('import'), wrong);
    await page.getByText('This file is not JSON.').waitFor();
    await writeFile(wrong, '{"schema":"kanca.scenario/99","blocks":[],"edges":[]}');
    await choose(page.getByTestId('import'), wrong);
    await page.getByText('This scenario has the format “kanca.scenario/99”').waitFor();
    same(await blocks.count(), count, 'blocks after a refused file');
  });
  await journey.lookAt(page, 'imported');
}
