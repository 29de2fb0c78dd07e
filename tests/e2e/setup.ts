/** Builds the page once for all page tests; they get the folder and serve it themselves, under a sub-path. */
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder of the built page. */
    dist: string;
  }
}

export default async function setup(project: TestProject): Promise<void> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const dist = `${root}node_modules/.cache/kvlab-page`;
  // The runner says 'test', which would build a page for development.
  const mode = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  await build({ root, logLevel: 'error', build: { outDir: dist, emptyOutDir: true } });
  if (mode === undefined) delete process.env['NODE_ENV'];
  else process.env['NODE_ENV'] = mode;
  project.provide('dist', dist);
}
