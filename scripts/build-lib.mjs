// Builds the package into dist-lib/: the entries, the command line, the page of its headless browser, declarations.
// Nothing is done where dist-lib/ is newer than every source. Two builds at once wait for one another.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUT = `${ROOT}/dist-lib`;
const STAMP = `${OUT}/.built`;
const LOCK = `${ROOT}/node_modules/.kvlab-library-build`;
const LOCK_EXPIRES_MS = 180_000;
const SOURCES = [
  'src',
  'shaders',
  'scenarios',
  'public/models',
  'scripts',
  'package.json',
  'vite.lib.config.ts',
  'tsconfig.lib.json',
];

/** @param {{types: boolean}} what declarations take longer and only the package needs them */
export async function ensureLibrary({ types }) {
  if (isFresh(types)) return;
  await lock();
  try {
    if (isFresh(types)) return;
    process.stderr.write('Building the package…\n');
    const startedAt = Date.now();
    await buildEntries();
    await buildHeadlessPage();
    // The model that ships with the page, for commands that are given none.
    cpSync(`${ROOT}/public/models`, `${OUT}/models`, { recursive: true });
    if (types) buildTypes();
    writeFileSync(STAMP, JSON.stringify({ startedAt, types }));
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}

function isFresh(types) {
  if (!existsSync(STAMP)) return false;
  const built = JSON.parse(readFileSync(STAMP, 'utf8'));
  if (types && !built.types) return false;
  return SOURCES.every((source) => newest(`${ROOT}/${source}`) <= built.startedAt);
}

/** Latest change below a path, in milliseconds. */
function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((most, name) => Math.max(most, newest(`${path}/${name}`)), stat.mtimeMs);
}

async function lock() {
  for (;;) {
    try {
      mkdirSync(LOCK);
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const since = statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
      // Whoever held it so long was killed.
      if (Date.now() - since > LOCK_EXPIRES_MS) rmSync(LOCK, { recursive: true, force: true });
      else await sleep(200);
    }
  }
}

async function buildEntries() {
  const { build } = await import('vite');
  await build({ root: ROOT, configFile: `${ROOT}/vite.lib.config.ts`, logLevel: 'error' });
}

async function buildHeadlessPage() {
  const { build } = await import('vite');
  const { version } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8'));
  await build({
    root: `${ROOT}/src/cli/headless`,
    configFile: false,
    publicDir: false,
    base: './',
    define: { __APP_VERSION__: JSON.stringify(version) },
    worker: { format: 'es' },
    build: { outDir: `${OUT}/headless`, emptyOutDir: true, target: 'es2023', assetsInlineLimit: 0 },
    logLevel: 'error',
  });
}

/** @throws Error when the declarations have errors */
function buildTypes() {
  const args = ['--no-install', 'tsc', '-p', 'tsconfig.lib.json'];
  const shell = process.platform === 'win32';
  const { status, stdout } = spawnSync('npx', args, { cwd: ROOT, encoding: 'utf8', shell });
  if (status !== 0) throw new Error(`The declarations of the package could not be written.\n${stdout}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await ensureLibrary({ types: true });
