/**
 * Runs GPU commands in the page's own worker, in a headless Chromium.
 *
 * The package carries a bare page (src/cli/headless) beside this file; it starts the worker and hands out its facade.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright';
import { chromiumArgs, findChromium } from '../../scripts/chromium.mjs';
import { CommandError } from './errors.ts';
import { FILES_INPUT, type HeadlessCall, type HeadlessPage } from './headless/protocol.ts';
import {
  valueOf,
  type Answer,
  type GpuHost,
  type HostOptions,
  type ModelOnDisk,
  type OnProgress,
} from './host.ts';
import { serveFolder, type StaticServer } from './static-server.ts';

const PAGE_FOLDER = fileURLToPath(new URL(/* @vite-ignore */ './headless/', import.meta.url));
const BYTES_IN_BASE64_CHUNK = 4;

export async function openBrowserHost({ power, command, detail }: HostOptions): Promise<GpuHost> {
  const browser = await launch(detail);
  let server: StaticServer | null = null;
  const close = async () => {
    server?.close();
    await browser.close();
  };
  try {
    server = await serveFolder(PAGE_FOLDER);
    const page = await browser.newPage();
    page.on('console', (message) => detail(`[page] ${message.text()}`));
    let onProgress: OnProgress = () => undefined;
    await page.exposeFunction('kvlabProgress', (progress: Parameters<OnProgress>[0]) => onProgress(progress));
    await page.goto(server.address);
    await page.waitForFunction(() => 'kvlabHeadless' in window);
    const call = <T>(request: HeadlessCall, listener: OnProgress = () => undefined): Promise<T> => {
      onProgress = listener;
      return ask<T>(page, request);
    };
    /** The browser reads the files from the disk itself, piece by piece. */
    const load = async ({ name, paths, load: wish }: ModelOnDisk, listener: OnProgress): Promise<void> => {
      await page.setInputFiles(`#${FILES_INPUT}`, [...paths]);
      await call({ name: 'load', folder: name, load: { ...wish, power } }, listener);
    };
    return {
      describe: () => call({ name: 'describe', power }),
      check: async (listener) =>
        ({ ...(await call<object>({ name: 'check', power }, listener)), command }) as never,
      run: async (scenario, force, listener) =>
        ({ ...(await call<object>({ name: 'run', scenario, force }, listener)), command }) as never,
      attention: (shape) => call({ name: 'attention', shape }),
      generate: async ({ wish, ...model }, listener) => {
        await load(model, listener);
        return call({ name: 'generate', wish }, listener);
      },
      quality: async ({ scenario, ...model }, listener) => {
        await load(model, listener);
        return { ...(await call<object>({ name: 'quality', scenario }, listener)), command } as never;
      },
      serve: async ({ scenario, ...model }, listener) => {
        await load(model, listener);
        return { ...(await call<object>({ name: 'serve', scenario }, listener)), command } as never;
      },
      tune: async ({ scenario, resume, model }, listener) => {
        if (model !== null) await load(model, listener);
        return { ...(await call<object>({ name: 'tune', scenario, resume }, listener)), command } as never;
      },
      png: async (svg) => fromBase64(await call<string>({ name: 'png', svg })),
      cancel: () => void ask(page, { name: 'cancel' }).catch(() => undefined),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function launch(detail: (text: string) => void): Promise<Browser> {
  const executablePath = chromiumPath();
  const { chromium } = await import('playwright').catch(() => {
    throw new CommandError(
      'no-playwright',
      'GPU commands drive a browser through the package playwright, which is not installed: npm install playwright, or use --native.',
    );
  });
  detail(`Browser: ${executablePath}`);
  const args = chromiumArgs(process.env['KVLAB_GPU'] === 'software' ? 'software' : 'best');
  try {
    return await chromium.launch({ executablePath, args, handleSIGINT: false });
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new CommandError(
      'browser',
      `The browser ${executablePath} did not start (${reason}); set KVLAB_CHROMIUM.`,
    );
  }
}

function chromiumPath(): string {
  let path: string | null;
  try {
    path = findChromium();
  } catch (error) {
    throw new CommandError('no-browser', error instanceof Error ? error.message : String(error));
  }
  if (path !== null && existsSync(path)) return path;
  throw new CommandError(
    'no-browser',
    'No Chromium was found: install Chromium or Chrome, name one with KVLAB_CHROMIUM, or use --native with DAWN set.',
  );
}

/** @throws CommandError with the worker's own code and sentence */
async function ask<T>(page: Page, request: HeadlessCall): Promise<T> {
  // As text: a call may hold a whole scenario, whose type is more than Playwright's own can unfold.
  const answer = await page.evaluate(
    (asked) => (window as unknown as HeadlessPage).kvlabHeadless(JSON.parse(asked) as HeadlessCall),
    JSON.stringify(request),
  );
  return valueOf(answer as Answer<T>);
}

function fromBase64(text: string): Uint8Array {
  if (text.length % BYTES_IN_BASE64_CHUNK !== 0) throw new Error('The picture arrived cut off.');
  return Buffer.from(text, 'base64');
}
