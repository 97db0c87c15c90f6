/** A receiver of CloudEvents that does not agree, is told what to do, and agrees when it is asked again. */

import { same, until } from '../support/expect.mjs';
import { startReceiver } from '../support/receiver.mjs';

export default async function (journey) {
  let allowed = 'other.example';
  const service = await startReceiver((_, method) => (method === 'OPTIONS' ? { headers: { 'webhook-allowed-origin': allowed } } : {}));
  const server = await journey.server({ KANCA_ALLOW_PRIVATE_NETWORKS: '127.0.0.0/8' });
  const page = await journey.panel(server, '/webhooks/new');
  const posts = () => service.requests.filter(({ method }) => method === 'POST').length;

  await journey.step('the receiver’s refusal and the way out of it are told', async () => {
    const { id } = await server.api('POST', '/endpoints', { name: 'Events', url: service.url, format: 'cloudevents_structured' });
    await page.goto(`${server.url}/#/webhooks/${id}`);
    await page.getByRole('heading', { name: 'Consent of the receiver' }).waitFor();
    await page.getByText('refused', { exact: true }).waitFor();
    await page.getByText('“WebHook-Allowed-Origin: 127.0.0.1”').waitFor();
    await server.api('POST', '/events', { type: 'order.paid', data: { order: 1 } });
    same(posts(), 0, 'events that were sent');
  });
  await journey.lookAt(page, 'handshake-refused');

  await journey.step('asked again, it agrees, and what waited arrives', async () => {
    allowed = '*';
    await page.getByRole('button', { name: 'Ask again' }).click();
    await page.getByText('granted', { exact: true }).waitFor();
    await page.getByText('The receiver wants events.').waitFor();
    await until('the event arrives', () => posts() === 1);
  });
  await service.stop();
}
