/** Visitors without a browser: they talk through the public chat API, so that the panel has something to show. */

import { until } from './expect.mjs';

/** Says the lines one after another, each when the bot has answered the one before. */
export async function converse(server, bot, lines, attributes = {}) {
  const call = async (method, path, token, body) => {
    const response = await fetch(`${server.url}/chat/v1${path}`, {
      method,
      headers: { ...(token && { authorization: `Bearer ${token}` }), ...(body && { 'content-type': 'application/json' }) },
      body: body && JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const { id, token } = await call('POST', '/conversations', null, { bot, attributes });
  let heard = 0;
  const answered = () =>
    until('the bot answers', async () => {
      const { items, status } = await call('GET', `/conversations/${id}/messages`, token);
      const last = items.at(-1);
      const isNew = items.length > heard && last?.from === 'bot';
      if (isNew) heard = items.length;
      return isNew || status === 'ended';
    });
  await answered();
  for (const [index, text] of lines.entries()) {
    await call('POST', `/conversations/${id}/messages`, token, { client_id: `line-${index}`, text });
    heard += 1;
    await answered();
  }
  return id;
}
