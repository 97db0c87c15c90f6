/**
 * Chromium, and pages that are watched: whatever the console or the content security policy complains about is kept,
 * and a journey that ends with a complaint it did not expect has failed.
 */

import { chromium } from 'playwright-core';
import { serveFresh } from './fresh.mjs';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
/** The longest wait for one thing to happen on a page. */
const PATIENCE_MS = 20_000;

export function launch() {
  return chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-gpu', '--font-render-hinting=none'] });
}

/** The windows of one journey. */
export class Windows {
  complaints = [];
  #contexts = [];
  #expected = [];

  constructor(browser) {
    this.browser = browser;
  }

  /**
   * A browser of somebody's own: cookies and storage are shared with nobody. `options` are Playwright's, such as
   * `colorScheme`, `locale`, `viewport`.
   */
  async context(options = {}) {
    const context = await this.browser.newContext({
      viewport: { width: 1280, height: 800 },
      locale: 'en-GB',
      timezoneId: 'Europe/Istanbul',
      colorScheme: 'light',
      reducedMotion: 'reduce',
      ...options,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    context.on('page', (page) => this.#watch(page));
    this.#contexts.push(context);
    await serveFresh(context);
    return context;
  }

  async page(options) {
    return (await this.context(options)).newPage();
  }

  #watch(page) {
    page.on('pageerror', (error) => this.#complain(page, `uncaught: ${error.stack ?? error}`));
    page.on('console', (message) => {
      if (message.type() !== 'error') return;
      const { url } = message.location();
      this.#complain(page, `${message.text()}${url ? ` (${url})` : ''}`);
    });
  }

  #complain(page, text) {
    if (!this.#expected.some(({ pattern }) => pattern.test(text))) this.complaints.push(`${new URL(page.url()).hash}: ${text}`);
  }

  /** From now on a complaint like this is part of the story, for this reason. */
  expect(pattern, reason) {
    if (!reason) throw new Error('Say why this complaint is harmless.');
    this.#expected.push({ pattern, reason });
  }

  async close() {
    for (const context of this.#contexts) await context.close();
  }
}
