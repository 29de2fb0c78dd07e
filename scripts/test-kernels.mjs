// Every kernel variant against its twin, over the full product of shapes and formats. Takes long on a software GPU.
import { spawnSync } from 'node:child_process';
import { ensureChromium } from './ensure-chromium.mjs';

// With DAWN set, the same tests run in Node on that binding's GPU instead of in the browser.
const project = process.env.DAWN ? 'dawn' : 'gpu';
try {
  if (project === 'gpu') ensureChromium();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
const args = ['--no-install', 'vitest', 'run', '--project', project, ...process.argv.slice(2)];
const { status } = spawnSync('npx', args, {
  stdio: 'inherit',
  shell: process.platform === 'win32',
  env: { ...process.env, KVLAB_KERNELS: 'full', REQUIRE_GPU: '1' },
});
process.exit(status ?? 1);
