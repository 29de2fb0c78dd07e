// `npm run bench`: kernels against the adapter's own peaks, each other and onnxruntime-web; ends with a Markdown table.
//   --full         more shapes and formats        --only TEXT   cases whose name holds TEXT
//   --rounds N     samples of every kernel        --native      in Node, on the Dawn binding that DAWN names
//   --out FILE     the result as JSON             --guide         put the table into docs/measured.md, one a device
//   --engine       the engine on real models only: decode, its kernels' share, prefill on a real GPU
//   --large        the engine's large model on a software adapter too: a rehearsal, with a small one
//   --tune         the tuner only: two hundred simulated settings, twenty seeds, against the truth
//   --plan         the planner only: full searches in a worker of a browser, half a second at most
//   --sim          the simulator only, in Node, with --browser also in a worker; traces come from the folder that KVLAB_DATA names
//   KVLAB_GPU=software   the software adapter
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { build, createServer } from 'vite';
import { chromiumArgs } from './chromium.mjs';
import { ensureChromium } from './ensure-chromium.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MILLION = 'one million drawn requests';
const NATIVE_FOLDER = `${ROOT}/out/bench`;

const options = {
  full: { type: 'boolean', default: false },
  native: { type: 'boolean', default: false },
  sim: { type: 'boolean', default: false },
  engine: { type: 'boolean', default: false },
  tune: { type: 'boolean', default: false },
  plan: { type: 'boolean', default: false },
  large: { type: 'boolean', default: false },
  browser: { type: 'boolean', default: false },
  only: { type: 'string', default: '' },
  rounds: { type: 'string', default: '11' },
  'peer-rounds': { type: 'string', default: '5' },
  out: { type: 'string' },
  guide: { type: 'boolean', default: false },
};
const { values } = parseArgs({ options });
const request = {
  full: values.full,
  large: values.large,
  only: values.only,
  rounds: Number(values.rounds),
  peerRounds: Number(values['peer-rounds']),
  date: new Date().toISOString().slice(0, 10),
};

try {
  const { result, sections } = await measured(request);
  if (values.out) writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`);
  for (const { name, markdown } of sections) {
    if (values.guide) await intoGuide(name, markdown);
    process.stdout.write(`${markdown}\n`);
  }
  // Dawn keeps the process alive.
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

async function measured(asked) {
  if (values.sim) {
    const { result, markdown } = await simulator(asked, values.browser);
    return { result, sections: [{ name: 'simulator', markdown }] };
  }
  if (values.plan) {
    const { result, markdown } = await planner(asked);
    return { result, sections: [{ name: 'planner', markdown }] };
  }
  if (values.tune) {
    const { kvlabTuneBench } = await built('bench/tune/native.ts');
    const { result, markdown } = await kvlabTuneBench(asked);
    return { result, sections: [{ name: 'tuner', markdown }] };
  }
  if (values.engine) {
    const { result, markdown } = await engine(asked);
    return { result, sections: [{ name: `engine ${result.device}`, markdown }] };
  }
  const kernels = values.native ? await inNode(asked) : await inBrowser(asked);
  const models = await engine(asked);
  const sim = await simulator(asked, !values.native);
  return {
    result: { ...kernels.result, engine: models.result, simulator: sim.result },
    sections: [
      { name: kernels.result.device, markdown: kernels.markdown },
      { name: `engine ${models.result.device}`, markdown: models.markdown },
      { name: 'simulator', markdown: sim.markdown },
    ],
  };
}

/** Searches over all GPUs, each in a fresh worker of a browser. */
async function planner({ date }) {
  const { planBench } = await built('bench/plan/native.ts');
  const cpu = cpus()[0]?.model.trim() ?? 'unknown processor';
  return inPage('bench/plan/index.html', 'kvlabPlanBench', null, async (browser, rows) =>
    planBench(rows, { date, cpu, runtime: `Chromium ${browser.version()}` }),
  );
}

/** Real models through the whole engine, on the same adapter as the kernels. */
async function engine(asked) {
  const { kvlabEngineBench, modelsForPage } = await built('bench/engine/native.ts');
  if (values.native) return kvlabEngineBench({ ...asked, root: ROOT });
  const models = await modelsForPage(ROOT);
  const args = (browser) => ({ ...asked, ...models, runtime: `Chromium ${browser.version()} headless` });
  return inPage('bench/engine/index.html', 'kvlabEngineBench', args, async (_browser, result) => result);
}

async function simulator(asked, inWorker) {
  const { kvlabSimBench, withRow } = await built('bench/sim/native.ts');
  const { result } = kvlabSimBench(asked);
  return withRow(result, inWorker && MILLION.includes(asked.only) ? await simulatorInBrowser() : null);
}

/** A million requests in a browser's worker, and the most memory of the process that it ran in. */
async function simulatorInBrowser() {
  process.stderr.write('A million requests in a worker of a browser…\n');
  return inPage('bench/sim/index.html', 'kvlabSimBench', null, async (browser, row) => ({
    ...row,
    note:
      `in a worker of Chromium ${browser.version()}; ${row.progressMessages} messages of progress, cancelled in ` +
      `${row.cancelMs.toFixed(0)} ms${await memoryNote(browser)}`,
  }));
}

/** Linux keeps the most memory that a process ever had. */
async function memoryNote(browser) {
  try {
    const session = await browser.newBrowserCDPSession();
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    const peaks = processInfo
      .filter(({ type }) => type === 'renderer')
      .map(({ id }) => /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${id}/status`, 'utf8')));
    const most = Math.max(...peaks.map((found) => Number(found?.[1] ?? NaN)));
    return Number.isFinite(most) ? `; at most ${Math.round((most * 1024) / 1e6)} MB, page and worker` : '';
  } catch {
    return '; memory could not be measured here';
  }
}

/** Replaces the table of this device in the guide of what was measured, or adds one. */
async function intoGuide(device, markdown) {
  const path = `${ROOT}/docs/measured.md`;
  const text = readFileSync(path, 'utf8');
  const name = device.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const [open, close] = [`<!-- bench ${name} -->`, `<!-- /bench ${name} -->`];
  const block = `${open}\n\n${markdown.trim()}\n\n${close}`;
  const [start, end] = [text.indexOf(open), text.indexOf(close)];
  const next =
    start >= 0 && end > start
      ? text.slice(0, start) + block + text.slice(end + close.length)
      : text.replace('<!-- benches -->', `<!-- benches -->\n\n${block}`);
  if (next === text)
    throw new Error('docs/measured.md has no line <!-- benches -->, below which the table would go.');
  const { format, resolveConfig } = await import('prettier');
  writeFileSync(path, await format(next, { ...(await resolveConfig(path)), filepath: path }));
}

/** One file without dependencies, which can be carried to a machine that has only Node and a GPU. */
async function inNode(asked) {
  const { kvlabBench } = await built('bench/native.ts');
  return kvlabBench(asked);
}

async function built(entry) {
  const outDir = `${NATIVE_FOLDER}/${entry.replace(/\W+/g, '-')}`;
  await build({
    root: ROOT,
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    ssr: { noExternal: true },
    build: { ssr: `${ROOT}/${entry}`, outDir, emptyOutDir: true, target: 'node20' },
  });
  return import(`${outDir}/native.js`);
}

async function inBrowser(asked) {
  const args = (browser) => ({ ...asked, runtime: `Chromium ${browser.version()} headless` });
  return inPage('bench/index.html', 'kvlabBench', args, async (_browser, result) => result);
}

/** Opens a page of ours in a headless browser, calls the function that it offers and hands on what it answers. */
async function inPage(path, name, argument, then) {
  const executablePath = ensureChromium();
  const server = await createServer({
    root: ROOT,
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    optimizeDeps: { exclude: ['onnxruntime-web'] },
    server: { host: '127.0.0.1', port: 0, watch: null, hmr: false },
  });
  await server.listen();
  const args = chromiumArgs(process.env.KVLAB_GPU === 'software' ? 'software' : 'best');
  const browser = await chromium.launch({ executablePath, args });
  try {
    const page = await browser.newPage();
    page.on('console', (message) => {
      if (message.type() === 'log') process.stderr.write(`${message.text()}\n`);
    });
    page.on('pageerror', (error) => process.stderr.write(`${error.message}\n`));
    await page.goto(`${server.resolvedUrls.local[0]}${path}`);
    await page.waitForFunction((called) => called in globalThis, name, { timeout: 120_000 });
    const sent = argument === null ? null : argument(browser);
    const answer = await page.evaluate(([called, given]) => globalThis[called](given), [name, sent]);
    return await then(browser, answer);
  } finally {
    await browser.close();
    await server.close();
  }
}
