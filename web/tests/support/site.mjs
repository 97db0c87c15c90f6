/** Somebody's site: another origin than Kanca's, with styles that would spoil a chat that was not shielded from them. */

import { once } from 'node:events';
import { createServer } from 'node:http';

export async function startSite(tag, { lang = 'en' } = {}) {
  const page = `<!doctype html><html lang="${lang}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Flower shop</title><link rel="icon" href="data:,">
<style>* { font-size: 40px !important } button, textarea { display: none !important } div { color: red !important }</style>
<main><h1>Flower shop</h1></main>${tag}</html>`;
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/shop`,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
