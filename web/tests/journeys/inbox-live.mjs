/** What arrives at an inbox, whatever it is: shown as it came, at once, and never let loose on the reader. */

import { request } from 'node:http';
import { once } from 'node:events';
import { check, same, until } from '../support/expect.mjs';
import { live } from '../support/panel.mjs';

/** Sends exactly these headers; `fetch` would join the repeated ones. */
async function send(url, { method = 'POST', headers = [], body = '' } = {}) {
  const exact = ['host', new URL(url).host, 'connection', 'close', ...headers.flat()];
  const sent = request(url, { method, headers: exact, setDefaultHeaders: false });
  sent.end(body);
  const [response] = await once(sent, 'response');
  response.resume();
  return response.statusCode;
}

const size = (body) => ['content-length', String(Buffer.byteLength(body))];

export default async function (journey) {
  const server = await journey.server({ KANCA_MAX_CAPTURE_BYTES: '20000' });
  const inbox = await server.api('POST', '/inboxes', { name: 'Anything' });
  const page = await journey.panel(server, `/inboxes/${inbox.id}`);
  await live(page);
  const list = page.getByRole('list', { name: 'Captured requests, newest first' });
  const detail = page.getByRole('article');
  let count = 0;

  /** The newest request, opened. Nothing is reloaded. */
  async function open(mark) {
    count += 1;
    await until(`request ${count} is listed`, async () => (await list.getByRole('listitem').count()) === count);
    await list.getByRole('link').first().click();
    await detail.getByRole('heading', { level: 2 }).getByText(mark).waitFor();
  }

  await journey.step('XML is laid out; repeated headers stand apart', async () => {
    const body = '<?xml version="1.0"?><order id="7"><item>Çay &amp; simit</item><item>Kahve</item></order>';
    await send(`${inbox.url}/xml?from=test`, {
      headers: [['content-type', 'application/xml'], ['x-tag', 'one'], ['x-tag', 'two'], size(body)],
      body,
    });
    await open('/xml?from=test');
    const pretty = await detail.getByRole('tabpanel').innerText();
    check(/\n\s+<item>Çay &amp; simit<\/item>\n\s+<item>Kahve<\/item>/.test(pretty), `Not laid out:\n${pretty}`);
    const tags = await detail.getByRole('row', { name: /^x-tag/i }).allInnerTexts();
    same(tags.map((row) => row.replace(/\s+/g, ' ')), ['x-tag one', 'x-tag two'], 'the repeated header');
    await detail.getByText(`${Buffer.byteLength(body)} B`).waitFor();
    await detail.getByText('Not checked').waitFor();
  });
  await journey.lookAt(page, 'inbox-xml');

  await journey.step('a hostile body is text, whatever it says it is', async () => {
    const body = '<script>document.title = "taken over"</script><img src=x onerror="document.title = \'taken over\'">';
    await send(`${inbox.url}/<script>alert(1)</script>`.replaceAll('<', '%3C').replaceAll('>', '%3E'), {
      headers: [['content-type', 'text/html'], ['x-evil', '"><img src=x onerror=alert(1)>'], size(body)],
      body,
    });
    await open('%3Cscript%3E');
    check((await detail.getByRole('tabpanel').innerText()).includes('<script>document.title'), 'The body is not shown as it came.');
    same(await page.locator('article script, article img, article iframe').count(), 0, 'elements made from the body');
    check(!(await page.title()).includes('taken over'), 'The body ran as a script.');
    const answer = await fetch(`${server.url}/api/v1/inboxes/${inbox.id}/requests`, { redirect: 'manual' });
    same(answer.status, 401, 'the list without a key');
  });

  await journey.step('the body is downloaded as a file, byte by byte', async () => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download body' }).click()]);
    const chunks = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk);
    check(Buffer.concat(chunks).toString().startsWith('<script>'), 'The file is not the body.');
    check(!/\.html?$/.test(download.suggestedFilename()), `A file that would open: ${download.suggestedFilename()}`);
  });

  await journey.step('bytes that are not text are shown as hex', async () => {
    const body = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x00, 0xff, 0xfe, 0x0a]);
    await send(`${inbox.url}/picture`, { method: 'PUT', headers: [['content-type', 'image/png'], size(body)], body });
    await open('/picture');
    await detail.getByText('These bytes are not text.').waitFor();
    await detail.getByText('89 50 4e 47').waitFor();
  });

  await journey.step('a body above the limit is said to be too large, not kept', async () => {
    const body = 'x'.repeat(30_000);
    await send(`${inbox.url}/large`, { headers: [['content-type', 'text/plain'], size(body)], body });
    await open('/large');
    await detail.getByText('The body was larger than the limit, so it was not stored.').waitFor();
  });

  await journey.step('a lost stream catches up without a reload, nothing twice', async () => {
    journey.expectComplaint(/ERR_(INCOMPLETE_CHUNKED_ENCODING|CONNECTION_REFUSED|NETWORK_CHANGED|CONNECTION_RESET|EMPTY_RESPONSE)/, 'the server is restarted on purpose');
    await server.stop();
    await page.getByRole('status').filter({ hasText: 'Reconnecting…' }).waitFor();
    await server.start();
    await send(`${inbox.url}/after-restart`, { method: 'DELETE', headers: [['content-length', '0']] });
    await open('/after-restart');
    await live(page);
    same(await list.getByRole('listitem').count(), count, 'requests in the list');
  });

  await journey.step('one request is deleted, then all', async () => {
    await page.getByRole('button', { name: 'Delete request' }).click();
    await until('one less is listed', async () => (await list.getByRole('listitem').count()) === count - 1);
    await page.getByRole('button', { name: 'Delete all' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete all' }).click();
    await page.getByText('Waiting for the first request').waitFor();
  });
  await journey.lookAt(page, 'inbox-empty');
}
