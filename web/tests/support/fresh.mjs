/**
 * For work on the web side: with FRESH_WEB=1 the panel and the widget come from web/dist as it is now, not from the
 * binary, which then need not be built again. The binary's own headers stay, above all its content security policy; but
 * while requests are intercepted Chromium asks no CORS preflights, so the last run is one without it.
 */

import { fileURLToPath } from 'node:url';

const dist = (path) => fileURLToPath(new URL(`../../dist/${path}`, import.meta.url));

export async function serveFresh(context) {
  if (process.env.FRESH_WEB !== '1') return;
  await context.route(
    ({ pathname }) => pathname === '/',
    async (route) => route.fulfill({ response: await route.fetch(), path: dist('panel/index.html') }),
  );
  await context.route(
    ({ pathname }) => pathname.startsWith('/assets/'),
    (route) => route.fulfill({ path: dist(`panel${new URL(route.request().url()).pathname}`) }),
  );
  await context.route(
    ({ pathname }) => pathname === '/widget.js',
    (route) => route.fulfill({ path: dist('widget/widget.js') }),
  );
}
