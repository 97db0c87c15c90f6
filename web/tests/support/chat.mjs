/** The widget on a page, in a visitor's words. Playwright looks through the open shadow root by itself. */

import { until } from './expect.mjs';

export function chatOn(page) {
  const widget = page.locator('kanca-chat');
  return {
    widget,
    input: widget.locator('textarea'),
    log: widget.locator('.log'),
    /** Lines that the bot (or an agent) said. */
    heard: widget.locator('.line.theirs .body'),
    /** Lines of the visitor's own. */
    own: widget.locator('.line.mine'),

    async say(text) {
      await this.input.fill(text);
      await this.input.press('Enter');
    },

    async choose(label) {
      await widget.getByRole('button', { name: label, exact: true }).click();
    },

    /** Waits for the bot to say it; `times` of them in all. */
    async hears(text, times = 1) {
      await until(`the bot says “${text}”`, async () => {
        const said = await this.heard.allTextContents();
        return said.filter((one) => one.includes(text)).length >= times;
      });
    },
  };
}
