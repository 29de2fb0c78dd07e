// Finds a Chromium for tests and for the command line's GPU runs. It does not install one: see ensure-chromium.mjs.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

const INSTALLED = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:/Program Files/Google/Chrome/Application/chrome.exe',
];

/** Flags that give a headless Chromium WebGPU: the machine's GPU, the software adapter where there is none or when asked. */
export function chromiumArgs(adapter) {
  return [
    // The sandbox does not start for root, as in most containers; a person's browser keeps it.
    ...(process.getuid?.() === 0 || process.env.CI ? ['--no-sandbox'] : []),
    '--enable-unsafe-webgpu',
    '--enable-features=Vulkan',
    '--disable-background-networking',
    '--disable-component-update',
    ...(adapter === 'software' ? ['--use-webgpu-adapter=swiftshader'] : []),
  ];
}

/** Flags of the tests; `KVLAB_GPU=hardware` runs them on the machine's GPU. */
export const CHROMIUM_ARGS = chromiumArgs(process.env.KVLAB_GPU === 'hardware' ? 'best' : 'software');

/** Path of a Chromium: the variable KVLAB_CHROMIUM, an installed one, Playwright's; or null. */
export function findChromium() {
  const named = process.env.KVLAB_CHROMIUM;
  if (named) {
    if (!existsSync(named))
      throw new Error(`KVLAB_CHROMIUM names ${named}, which does not exist. Unset it or name a Chromium.`);
    return named;
  }
  const installed = INSTALLED.find((path) => existsSync(path));
  if (installed) return installed;
  try {
    const path = createRequire(import.meta.url)('playwright').chromium.executablePath();
    return existsSync(path) ? path : null;
  } catch {
    return null;
  }
}
