import { svelte } from '@sveltejs/vite-plugin-svelte';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { CHROMIUM_ARGS, findChromium } from './scripts/chromium.mjs';

const chromium = findChromium();

/** The folder of reference data, which tests in the browser fetch from the test server. */
const KVLAB_DATA = process.env['KVLAB_DATA'] ?? '';

/** Variables that tests read through `import.meta.env`, in Node and in the browser alike. */
const env = { KVLAB_KERNELS: process.env['KVLAB_KERNELS'] ?? '' };

/**
 * Four projects, one runner:
 *  - node:  pure units, no GPU
 *  - gpu:   kernels against their twins in a real Chromium
 *  - dawn:  the same kernel tests in Node, on the binding that DAWN names (used by hand, on native GPUs)
 *  - e2e:   the built page, driven through Playwright
 */
export default defineConfig({
  plugins: [svelte()],
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          environment: 'node',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/**/*.gpu.test.ts', 'tests/e2e/**'],
          env: { ...env, KVLAB_DATA },
        },
      },
      {
        extends: true,
        server: { fs: { allow: [import.meta.dirname, ...(KVLAB_DATA === '' ? [] : [KVLAB_DATA])] } },
        test: {
          name: 'gpu',
          env: { ...env, KVLAB_DATA },
          include: ['tests/**/*.gpu.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // One page at a time: two software-GPU pages on two cores only slow each other down.
          fileParallelism: false,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: { ...(chromium ? { executablePath: chromium } : {}), args: CHROMIUM_ARGS },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
      {
        extends: true,
        test: {
          name: 'dawn',
          env,
          environment: 'node',
          include: ['tests/**/*.gpu.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          pool: 'forks',
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          env,
          environment: 'node',
          include: ['tests/e2e/**/*.e2e.ts'],
          globalSetup: ['tests/e2e/setup.ts'],
          expect: { poll: { timeout: 15_000 } },
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
