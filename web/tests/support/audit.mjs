/** The accessibility audit that ends each journey: axe-core with the WCAG 2.2 AA rules, no violation allowed. */

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Throws a list of what is wrong on the page as it stands, shadow roots included. */
export async function audit(page) {
  // Evaluated by the debugger, so the page's content security policy stays as it is.
  await page.evaluate(axe);
  const { violations } = await page.evaluate((tags) => window.axe.run(document, { runOnly: { type: 'tag', values: tags } }), TAGS);
  if (violations.length === 0) return;
  const lines = violations.flatMap(({ id, help, nodes }) => [
    `${id}: ${help}`,
    ...nodes.slice(0, 5).map((node) => `    ${node.target.flat().join(' ')}  ${node.html.slice(0, 160)}\n      ${node.failureSummary?.split('\n').slice(1).join(' ')}`),
  ]);
  throw new Error(`The page ${page.url()} has accessibility violations:\n${lines.join('\n')}`);
}
