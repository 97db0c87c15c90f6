import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// One run for the panel and the widget. `browser` makes Svelte resolve to its client build, as in the real panel.
export default defineConfig({
  plugins: [svelte({ configFile: false })],
  resolve: { conditions: ['browser'] },
  test: {
    environment: 'jsdom',
    include: ['panel/src/**/*.test.ts', 'widget/**/*.test.ts'],
  },
});
