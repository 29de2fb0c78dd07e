/** The built page in a real Chromium, with everything that goes wrong on it collected. */
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';
import { CHROMIUM_ARGS, findChromium } from '../../../scripts/chromium.mjs';
import { serve, type StaticHost } from './server.ts';

export interface VisitOptions {
  readonly scheme?: 'light' | 'dark';
  readonly width?: number;
  readonly hash?: string;
  /** What a context already holds is kept: a second tab of the same profile. */
  readonly context?: BrowserContext;
  readonly reducedMotion?: boolean;
  /** False: nothing is fetched for offline use, so that what the host sent is what the page itself asked for. */
  readonly serviceWorker?: boolean;
  /** Runs in the page before any of its scripts. */
  readonly before?: () => void;
}

/** Chromium without the flags that give it a software adapter. */
export const NO_GPU_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-features=WebGPU',
  '--disable-background-networking',
];

export interface Lab {
  readonly host: StaticHost;
  readonly browser: Browser;
  /** Console errors, thrown errors and violations of the page's policy; a test fails when one is left. */
  readonly problems: string[];
  visit(options?: VisitOptions): Promise<Page>;
}

/** Registers a host and a browser for the tests of one file. A problem on any page fails the test it happened in. */
export function useLab(args: readonly string[] = CHROMIUM_ARGS): Lab {
  const problems: string[] = [];
  const contexts = new Set<BrowserContext>();
  let host: StaticHost | null = null;
  let browser: Browser | null = null;

  beforeAll(async () => {
    host = await serve(inject('dist'));
    const executablePath = findChromium();
    browser = await chromium.launch({ ...(executablePath ? { executablePath } : {}), args: [...args] });
  });
  afterEach(async () => {
    for (const context of contexts) await context.close();
    contexts.clear();
    expect(problems.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await host?.close();
  });

  async function visit(options: VisitOptions = {}): Promise<Page> {
    const width = options.width ?? 1440;
    const context =
      options.context ??
      (await lab.browser.newContext({
        colorScheme: options.scheme ?? 'light',
        reducedMotion: options.reducedMotion === true ? 'reduce' : 'no-preference',
        viewport: { width, height: width < 500 ? 844 : 900 },
        acceptDownloads: true,
        serviceWorkers: options.serviceWorker === false ? 'block' : 'allow',
      }));
    contexts.add(context);
    const page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(String(error.stack ?? error)));
    if (options.before) await page.addInitScript(options.before);
    await page.goto(lab.host.url + (options.hash ?? ''));
    return page;
  }

  const lab: Lab = {
    get host() {
      if (host === null) throw new Error('The host is not there before the first test.');
      return host;
    },
    get browser() {
      if (browser === null) throw new Error('The browser is not there before the first test.');
      return browser;
    },
    problems,
    visit,
  };
  return lab;
}

/** A file for an input, made of JSON. */
export function jsonFile(
  name: string,
  document: unknown,
): { name: string; mimeType: string; buffer: Buffer } {
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  return { name, mimeType: 'application/json', buffer: Buffer.from(text) };
}

/** Puts run files into the page's library through its own door. */
export async function importRuns(page: Page, lab: Lab, runs: readonly unknown[]): Promise<void> {
  await page.goto(`${lab.host.url}#/runs`);
  await page
    .getByLabel('Run files to import')
    .setInputFiles(runs.map((run, i) => jsonFile(`run-${i}.json`, run)));
  await page.getByText(new RegExp(`${runs.length} runs? imported`)).waitFor();
}
