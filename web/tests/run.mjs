/**
 * The browser tests: the real binary, a real Chromium, one journey after another.
 *
 *     npm run test:browser                    every journey
 *     npm run test:browser -- widget story    those with these names
 *
 * KANCA_BIN names the binary (default: the debug build), CHROMIUM the browser (default: Debian's).
 */

import { access, readdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launch } from './support/browser.mjs';
import { Journey } from './support/journey.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const binary = process.env.KANCA_BIN ?? here('../../target/debug/kanca');
const results = here('../test-results');
/** A newcomer's way first: when it is broken, nothing else matters. */
const FIRST = ['first-minute', 'story'];

await access(binary).catch(() => {
  console.error(`There is no program ${binary}. Build it with “make binary”, or name one with KANCA_BIN.`);
  process.exit(1);
});

const found = (await readdir(here('journeys'))).filter((file) => file.endsWith('.mjs')).map((file) => file.slice(0, -4));
const rest = found.filter((name) => !FIRST.includes(name)).sort();
const wanted = process.argv.slice(2);
const names = [...FIRST, ...rest].filter((name) => wanted.length === 0 || wanted.includes(name));
const unknown = wanted.filter((name) => !found.includes(name));
if (unknown.length > 0) {
  console.error(`There is no journey ${unknown.join(', ')}. There are: ${found.join(', ')}.`);
  process.exit(1);
}

const began = performance.now();
await rm(results, { recursive: true, force: true });
const browser = await launch();
let passed = 0;
let failed = 0;
for (const name of names) {
  const start = performance.now();
  const { default: tell } = await import(`./journeys/${name}.mjs`);
  const journey = new Journey(name, { browser, binary, results });
  await journey.run(tell);
  passed += journey.passed;
  failed += journey.failed;
  console.log(`--      ${name}: ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
}
await browser.close();
console.log(`The browser tests took ${((performance.now() - began) / 1000).toFixed(0)} s; the pictures are in web/test-results.`);
console.log(`browser tests: ${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
