/** The same scenario and seed give the same run, byte for byte, in Node and in Chromium. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { build } from 'vite';
import { afterAll, expect, test } from 'vitest';
import { CHROMIUM_ARGS, findChromium } from '../../scripts/chromium.mjs';
import { serveFolder } from '../../src/cli/static-server.ts';
import { runDigests } from './engines.run.ts';

const site = mkdtempSync(join(tmpdir(), 'kvlab-engines-'));
afterAll(() => rmSync(site, { recursive: true, force: true }));

/** What the module prints into the page, line by line. */
async function digestsInChromium(): Promise<string[]> {
  await build({
    root: fileURLToPath(new URL('.', import.meta.url)),
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    build: {
      outDir: site,
      target: 'es2023',
      lib: { entry: 'engines.run.ts', formats: ['es'], fileName: 'run' },
    },
  });
  writeFileSync(join(site, 'index.html'), '<!doctype html><title>runs</title>');
  const server = await serveFolder(site);
  const path = findChromium();
  const browser = await chromium.launch({
    ...(path === null ? {} : { executablePath: path }),
    args: CHROMIUM_ARGS,
  });
  try {
    const page = await browser.newPage();
    await page.goto(server.address);
    return await page.evaluate<string[]>(
      'import(new URL("./run.js", location.href).href).then((module) => module.runDigests())',
    );
  } finally {
    await browser.close();
    server.close();
  }
}

test('every preset gives the same run in Node and in Chromium', { timeout: 180_000 }, async () => {
  const inNode = runDigests();
  expect(inNode.length).toBeGreaterThan(3);
  expect(await digestsInChromium()).toEqual(inNode);
});
