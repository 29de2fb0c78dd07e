// Builds the package into dist-lib/: the entries, the command line, the headless page, and with --types declarations.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'vite';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Entries and command line, then the page that the command line opens in its headless browser. */
export async function buildLibrary() {
  await build({ root: ROOT, configFile: `${ROOT}/vite.lib.config.ts`, logLevel: 'error' });
  const { version } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8'));
  await build({
    root: `${ROOT}/src/cli/headless`,
    configFile: false,
    publicDir: false,
    base: './',
    define: { __APP_VERSION__: JSON.stringify(version) },
    worker: { format: 'es' },
    build: { outDir: `${ROOT}/dist-lib/headless`, emptyOutDir: true, target: 'es2023', assetsInlineLimit: 0 },
    logLevel: 'error',
  });
}

/** @throws Error when the declarations have errors */
export function buildTypes() {
  const args = ['--no-install', 'tsc', '-p', 'tsconfig.lib.json'];
  const shell = process.platform === 'win32';
  const { status, stdout } = spawnSync('npx', args, { cwd: ROOT, encoding: 'utf8', shell });
  if (status !== 0) throw new Error(`The declarations of the package could not be written.\n${stdout}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await buildLibrary();
  buildTypes();
  // Whoever runs the command line next need not build again.
  writeFileSync(`${ROOT}/dist-lib/.built`, `${Date.now()}\n`);
}
