// `npm run kvlab -- …`: the package's command line, built first where the sources are newer.
import { existsSync } from 'node:fs';

if (!existsSync(new URL('../node_modules/vite', import.meta.url))) {
  process.stderr.write('The dependencies are missing: run npm ci first.\n');
  process.exit(1);
}
const { ensureLibrary } = await import('./build-lib.mjs');
await ensureLibrary({ types: false });
await import('../dist-lib/cli.js');
