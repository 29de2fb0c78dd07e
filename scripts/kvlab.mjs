// `npm run kvlab -- …`: the package's command line, built first where the sources are newer.
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BUILT = `${ROOT}/dist-lib/.built`;
const SOURCES = ['src', 'shaders', 'scenarios', 'package.json', 'vite.lib.config.ts', 'scripts/chromium.mjs'];

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((most, name) => Math.max(most, newest(`${path}/${name}`)), stat.mtimeMs);
}

function isStale() {
  if (!existsSync(BUILT)) return true;
  const builtAt = Number(readFileSync(BUILT, 'utf8'));
  return SOURCES.some((source) => newest(`${ROOT}/${source}`) > builtAt);
}

if (!existsSync(`${ROOT}/node_modules/vite`)) {
  process.stderr.write('The dependencies are missing: run npm ci first.\n');
  process.exit(1);
}
if (isStale()) {
  process.stderr.write('Building the command line…\n');
  const startedAt = Date.now();
  const { buildLibrary } = await import('./build-lib.mjs');
  await buildLibrary();
  writeFileSync(BUILT, `${startedAt}\n`);
}
await import('../dist-lib/cli.js');
