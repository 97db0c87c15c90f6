/**
 * A journey is one user's task, told in steps. Each step prints a line; the first that fails ends the journey, with a
 * picture of every open page. A journey that is through must have left no complaint in any console.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { audit } from './audit.mjs';
import { Windows } from './browser.mjs';
import { startServer } from './server.mjs';

export class Journey {
  passed = 0;
  failed = 0;
  servers = [];

  constructor(name, { browser, binary, results }) {
    this.name = name;
    this.binary = binary;
    this.results = results;
    this.windows = new Windows(browser);
  }

  /** Runs one step; what it returns is handed on. */
  async step(title, action) {
    const began = performance.now();
    const took = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
    try {
      const result = await action();
      this.passed += 1;
      console.log(`ok      ${this.name}: ${title} (${took()})`);
      return result;
    } catch (error) {
      this.failed += 1;
      console.log(`not ok  ${this.name}: ${title} (${took()})`);
      console.log(String(error?.stack ?? error).replace(/^/gm, '        '));
      await this.#pictureOfFailure();
      throw new Stopped();
    }
  }

  async server(env) {
    const server = await startServer(this.binary, env);
    this.servers.push(server);
    return server;
  }

  /** A new window at an address. */
  async open(url, options) {
    const page = await this.windows.page(options);
    await page.goto(url);
    return page;
  }

  /** A window of the panel in which the owner is logged in. */
  async panel(server, path = '/', options) {
    this.cookies ??= new Map();
    if (!this.cookies.has(server)) this.cookies.set(server, await server.setUp());
    const [name, value] = this.cookies.get(server).split('=');
    const context = await this.windows.context(options);
    await context.addCookies([{ name, value, url: server.url, httpOnly: true, sameSite: 'Lax' }]);
    const page = await context.newPage();
    await page.goto(`${server.url}/#${path}`);
    return page;
  }

  expectComplaint(pattern, reason) {
    this.windows.expect(pattern, reason);
  }

  /** The end of each journey: the audit and a picture that somebody looks at. */
  async lookAt(page, picture = this.name) {
    await this.step(`${picture} is accessible`, async () => {
      // The pointer and what hovers under it are not part of the picture.
      await page.mouse.move(0, 0);
      await this.picture(page, picture);
      await audit(page);
    });
  }

  async picture(page, name) {
    await mkdir(this.results, { recursive: true });
    await page.screenshot({ path: join(this.results, `${name}.png`) });
  }

  async #pictureOfFailure() {
    const open = this.windows.browser.contexts().flatMap((context) => context.pages());
    for (const [index, page] of open.entries()) {
      await this.picture(page, `failed-${this.name}-${index + 1}`).catch(() => {});
    }
    const { complaints } = this.windows;
    if (complaints.length > 0) console.log(`        consoles: ${complaints.join('\n        ')}`);
  }

  async run(tell) {
    try {
      await tell(this);
      await this.step('no console or content security policy complains', () => {
        const { complaints } = this.windows;
        if (complaints.length > 0) throw new Error(complaints.join('\n'));
      });
    } catch (error) {
      if (!(error instanceof Stopped)) {
        // Outside of any step: preparing things failed.
        this.failed += 1;
        console.log(`not ok  ${this.name}\n${String(error?.stack ?? error).replace(/^/gm, '        ')}`);
        await this.#pictureOfFailure();
      }
    } finally {
      await this.windows.close().catch(() => {});
      for (const server of this.servers) await server.remove();
    }
  }
}

/** The journey's end after a step that failed and has been reported. */
class Stopped extends Error {}
