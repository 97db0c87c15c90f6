/** A service outside of Kanca: keeps what it gets, answers what it is told to, can be switched off and on again. */

import { once } from 'node:events';
import { createServer } from 'node:http';

export async function startReceiver(answer) {
  const requests = [];
  let port = 0;
  let server;

  const receiver = {
    requests,
    answer,
    url: '',
    async start() {
      server = createServer(async (request, response) => {
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        const body = Buffer.concat(chunks).toString();
        requests.push({ method: request.method, headers: request.headers, body });
        const { status = 200, type = 'application/json', text = '', headers = {} } = receiver.answer(body, request.method);
        response.writeHead(status, { 'content-type': type, ...headers }).end(text);
      });
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      ({ port } = server.address());
      receiver.url = `http://127.0.0.1:${port}/hook`;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close').catch(() => {});
    },
  };
  await receiver.start();
  return receiver;
}
