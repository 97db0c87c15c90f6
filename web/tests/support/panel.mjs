/** Ways through the panel that more than one journey takes. */

import { until } from './expect.mjs';

/** Follows the menu at the side. */
export async function menu(page, name) {
  await page.getByRole('navigation', { name: /^(Main|Ana menü)$/ }).getByRole('link', { name, exact: true }).click();
}

/** Waits until the live stream of the page is connected, so that nothing can be missed. */
export async function live(page) {
  await page.getByRole('status').filter({ hasText: /^(Live|Canlı)$/ }).waitFor();
}

/** The middle of what is shown, for a real mouse; waits until it has come to rest (the canvas fits its view first). */
export async function middle(locator) {
  let last = '';
  let same = 0;
  const box = await until(`${locator} comes to rest`, async () => {
    const now = await locator.boundingBox();
    const text = JSON.stringify(now);
    same = now && text === last ? same + 1 : 0;
    last = text;
    return same >= 3 && now;
  });
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** Presses at one place, moves as a hand does, lets go at another. */
export async function drag(page, from, to) {
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move((from.x + to.x) / 2, (from.y + to.y) / 2, { steps: 4 });
  await page.mouse.move(to.x, to.y, { steps: 4 });
  await page.mouse.up();
}

/** Waits until the editor's draft is saved. */
export async function saved(page) {
  await page.locator('[data-testid="save-state"][data-state="saved"]').waitFor();
}

/** Publishes the open scenario and waits until the panel says so. */
export async function publish(page, version) {
  await page.getByRole('button', { name: 'Publish' }).click();
  await page.getByText(`Published, version ${version}.`).waitFor();
}
