/**
 * Builds the widget into one classic script, dist/widget/widget.js, and refuses to let it outgrow its budget: every
 * visitor of every page that uses it pays for its bytes.
 */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

/** Bytes of widget.js after gzip. */
const BUDGET = 12_288;

const root = fileURLToPath(new URL('.', import.meta.url));
const outDir = fileURLToPath(new URL('../dist/widget', import.meta.url));

await build({
  root,
  configFile: false,
  publicDir: false,
  logLevel: 'warn',
  build: {
    outDir,
    emptyOutDir: true,
    target: 'es2020',
    cssTarget: ['chrome90', 'firefox90', 'safari15'],
    minify: true,
    cssMinify: true,
    lib: { entry: 'widget.ts', formats: ['iife'], name: 'kancaWidget', fileName: () => 'widget.js' },
  },
});

const script = await readFile(`${outDir}/widget.js`);
const size = gzipSync(script, { level: 9 }).length;
console.log(`widget.js: ${script.length} bytes, ${size} bytes gzip of ${BUDGET} allowed`);
if (size > BUDGET) {
  console.error(`widget.js is ${size - BUDGET} bytes over its budget. Remove something before adding more.`);
  process.exit(1);
}
