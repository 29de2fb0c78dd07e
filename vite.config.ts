import { readFileSync } from 'node:fs';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';

/**
 * The page's policy. Nothing inline, nothing from elsewhere: what a link or a file brings can never become code.
 * Svelte's `style:` directives go through CSSOM, which `style-src` leaves alone; an inline style attribute would not.
 */
const POLICY = [
  "default-src 'none'",
  // ONNX Runtime, which runs beside our engine for comparison, is WebAssembly; strings still never become code.
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' blob: data:",
  // The page itself asks no inference server: a worker has the policy of its own file, and connect.worker.ts asks the server
  // that a person named, and no other. A host that sends this policy as a header has to leave that file's out.
  // Models by their repository's name, when a person asks for one; files redirect to the hub's stores.
  "connect-src 'self' https://huggingface.co https://*.huggingface.co https://*.hf.co",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** Only in the built page: the development server itself injects inline code. */
function contentSecurityPolicy(): Plugin {
  return {
    name: 'kvlab:content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: POLICY },
        injectTo: 'head-prepend',
      },
    ],
  };
}

/** public/theme.js runs before the first paint, so it is no module and stands outside the bundle. */
function themeScript(): Plugin {
  return {
    name: 'kvlab:theme-script',
    transformIndexHtml: {
      order: 'post',
      handler: () => [{ tag: 'script', attrs: { src: './theme.js' }, injectTo: 'head' }],
    },
  };
}

/** The version is data in package.json and nowhere else. */
function appVersion(): string {
  const file: unknown = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'));
  const version = typeof file === 'object' && file !== null && 'version' in file ? file.version : null;
  if (typeof version !== 'string') throw new Error('package.json has no version.');
  return version;
}

// Relative base: the built folder works from any static host and sub-path.
export default defineConfig({
  base: './',
  define: { __APP_VERSION__: JSON.stringify(appVersion()) },
  plugins: [
    svelte(),
    contentSecurityPolicy(),
    themeScript(),
    VitePWA({
      strategies: 'generateSW',
      // state/offline.ts registers it: an injected script would be inline.
      injectRegister: null,
      manifest: false,
      registerType: 'prompt',
      workbox: {
        globPatterns: ['**/*.{html,js,css,svg,woff2,json,webmanifest,wasm,safetensors}'],
        // ONNX Runtime, 26 MB, is fetched when the comparison is first run, and then kept.
        globIgnores: ['**/ort-wasm-*.wasm'],
        runtimeCaching: [
          {
            urlPattern: /\/assets\/ort-wasm-[^/]+\.wasm$/,
            handler: 'CacheFirst',
            options: { cacheName: 'kvlab-onnx-runtime', expiration: { maxEntries: 1 } },
          },
        ],
        maximumFileSizeToCacheInBytes: 4 * 1024 * 1024,
        inlineWorkboxRuntime: true,
        // An open page keeps the files it was built with; the new version waits until the reader reloads.
        skipWaiting: false,
        clientsClaim: true,
        cleanupOutdatedCaches: true,
        navigateFallback: null,
      },
    }),
  ],
  build: { target: 'es2022', sourcemap: false, assetsInlineLimit: 0 },
  worker: { format: 'es' },
  // Bundled ahead of time, ONNX Runtime would look for its wasm beside a file that is not there.
  optimizeDeps: { exclude: ['@huggingface/transformers', 'onnxruntime-web'] },
});
