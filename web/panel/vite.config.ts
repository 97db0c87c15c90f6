import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, loadEnv } from 'vite';

const root = new URL('.', import.meta.url).pathname;

/**
 * The panel is served by the Kanca binary under a strict Content-Security-Policy, so nothing is inlined:
 * scripts and styles are files under /assets/ whose names carry a hash.
 * `npm run dev` forwards the API to a running server: KANCA_DEV_SERVER, else http://127.0.0.1:8080.
 */
export default defineConfig(({ mode }) => {
  const server = loadEnv(mode, root, 'KANCA_').KANCA_DEV_SERVER ?? 'http://127.0.0.1:8080';
  const forward = { target: server, changeOrigin: false };
  return {
    root,
    base: '/',
    plugins: [svelte({ configFile: false })],
    build: {
      outDir: '../dist/panel',
      emptyOutDir: true,
      assetsDir: 'assets',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      target: ['chrome123', 'firefox121', 'safari17.5'],
    },
    server: {
      proxy: {
        '/api': forward,
        '/in/': forward,
        '/chat': { ...forward, ws: true },
        '/demo': forward,
        '/widget.js': forward,
      },
    },
  };
});
