import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const { version } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** The package: its entries and its command line, as ES modules for Node and for bundlers. The shaders are inside. */
export default defineConfig({
  define: { __APP_VERSION__: JSON.stringify(version) },
  publicDir: false,
  resolve: {
    // The package takes the tokenizers of @huggingface/transformers; ONNX Runtime, 26 MB, is for the page's comparison.
    alias: {
      'onnxruntime-web/webgpu': fileURLToPath(new URL('./scripts/no-onnx-runtime.mjs', import.meta.url)),
    },
  },
  build: {
    outDir: 'dist-lib',
    emptyOutDir: true,
    target: 'es2023',
    minify: false,
    sourcemap: false,
    lib: {
      entry: {
        index: 'src/index.ts',
        gpu: 'src/gpu/index.ts',
        engine: 'src/engine/index.ts',
        charts: 'src/charts/index.ts',
        lab: 'src/lab/index.ts',
        sim: 'src/sim/index.ts',
        plan: 'src/plan/index.ts',
        tune: 'src/tune/index.ts',
        endpoints: 'src/endpoints/index.ts',
        autopilot: 'src/autopilot/index.ts',
        advise: 'src/advise/index.ts',
        cli: 'src/cli/main.ts',
      },
      formats: ['es'],
    },
    rolldownOptions: {
      // valibot is the one dependency of the package; playwright is asked for only when a browser is wanted.
      external: [/^node:/, 'valibot', 'playwright'],
      output: { chunkFileNames: 'chunks/[name]-[hash].js' },
    },
  },
});
