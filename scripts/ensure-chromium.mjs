// Finds a Chromium that starts, and installs one where there is none: Playwright's download first, then, as root on
// Debian or Ubuntu, the `chromium` package. Used by the tests and by the bench; the command line only finds.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { findChromium } from './chromium.mjs';

const REMEDY =
  'No Chromium was found and none could be installed: install Chromium or Chrome, ' +
  'or set KVLAB_CHROMIUM to the path of one, and run this again.';

/** @returns {string} the path of a Chromium that starts; also set in KVLAB_CHROMIUM for the processes started later. */
export function ensureChromium() {
  const path = startable() ?? downloaded() ?? packaged();
  if (!path) throw new Error(REMEDY);
  process.env.KVLAB_CHROMIUM = path;
  return path;
}

function startable() {
  const path = findChromium();
  if (!path) return null;
  const { status } = spawnSync(path, ['--version'], { stdio: 'ignore', timeout: 60_000 });
  return status === 0 ? path : null;
}

/** Playwright's own build. It may also arrive without the system libraries it needs, and then does not start. */
function downloaded() {
  say('No Chromium found. Trying to download one with Playwright.');
  run('npx', ['--no-install', 'playwright', 'install', 'chromium'], 300_000);
  return startable();
}

function packaged() {
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return null;
  say('Trying the Debian package chromium.');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '-qq'], 300_000, env);
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], 900_000, env);
  return startable();
}

function run(command, args, timeout, env = process.env) {
  // Standard output carries results (JSON, the closing count); what installers say goes to standard error.
  spawnSync(command, args, { stdio: ['ignore', 2, 2], timeout, env, shell: process.platform === 'win32' });
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    process.stdout.write(`${ensureChromium()}\n`);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}
