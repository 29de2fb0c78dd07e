/**
 * The package as a stranger gets it: packed, installed into an empty project, type-checked, and every example of the
 * documentation run in Node and, bundled, in Chromium.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser } from 'playwright';
import ts from 'typescript';
import { build } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureLibrary } from '../scripts/build-lib.mjs';
import { CHROMIUM_ARGS, findChromium } from '../scripts/chromium.mjs';
import { serveFolder } from '../src/cli/static-server.ts';
import { documentedExamples } from './support/examples.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const EXAMPLES = documentedExamples();
const MINUTES = 60_000;

let project = '';
let packed: string[] = [];

/** What an example prints, by its name. */
const printedInNode = new Map<string, string>();

beforeAll(async () => {
  await ensureLibrary({ types: true });
  project = realpathSync(mkdtempSync(join(tmpdir(), 'kvlab-package-')));
  const report = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], ROOT);
  const { filename, paths } = readPackReport(report);
  packed = paths;
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ name: 'stranger', private: true, type: 'module' }),
  );
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${filename}`], project);
  for (const { name, code } of EXAMPLES) {
    writeFileSync(join(project, `${name}.ts`), code);
    const options = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext };
    writeFileSync(
      join(project, `${name}.js`),
      ts.transpileModule(code, { compilerOptions: options }).outputText,
    );
  }
}, 5 * MINUTES);

afterAll(() => rmSync(project, { recursive: true, force: true }));

test('the package holds what it needs and nothing else', () => {
  for (const path of [
    'dist-lib/index.js',
    'dist-lib/types/index.d.ts',
    'dist-lib/cli.js',
    'dist-lib/headless/index.html',
    'dist-lib/models/ledger-485k/model.safetensors',
  ]) {
    expect(packed).toContain(path);
  }
  expect(packed.filter((path) => !/^(dist-lib\/|docs\/|package\.json$|[A-Z]+(\.md)?$)/.test(path))).toEqual(
    [],
  );
});

test('the installed package depends on valibot alone', () => {
  const { dependencies } = JSON.parse(readFileSync(join(project, 'node_modules/kvlab/package.json'), 'utf8'));
  expect(Object.keys(dependencies)).toEqual(['valibot']);
});

test.each(['bundler', 'nodenext'])(
  'every example type-checks with moduleResolution %s',
  (moduleResolution) => {
    const compilerOptions = {
      target: 'es2023',
      lib: ['es2023', 'dom'],
      module: moduleResolution === 'bundler' ? 'esnext' : 'nodenext',
      moduleResolution,
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
      noEmit: true,
      types: [],
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', project], project);
  },
  2 * MINUTES,
);

test('there are examples of every entry', () => {
  for (const entry of ['', '/sim', '/plan', '/tune', '/gpu', '/engine', '/charts'].map(
    (n) => `'kvlab${n}'`,
  )) {
    expect(EXAMPLES.some(({ code }) => code.includes(entry))).toBe(true);
  }
});

test.each(EXAMPLES)('$name runs in Node', { timeout: MINUTES }, ({ name }) => {
  const printed = run(process.execPath, [`${name}.js`], project).trim();
  expect(printed).not.toBe('');
  printedInNode.set(name, printed);
});

test('the installed command answers', () => {
  const answer = run(join(project, 'node_modules/.bin/kvlab'), ['risk', 'block-size', '--json'], project);
  expect(JSON.parse(answer)).toMatchObject({ risk: expect.stringMatching(/^(low|medium|high)$/) });
});

test('every example runs in Chromium, bundled', { timeout: 5 * MINUTES }, async () => {
  const site = join(project, 'site');
  mkdirSync(site);
  for (const { name } of EXAMPLES) {
    await build({
      root: project,
      configFile: false,
      publicDir: false,
      logLevel: 'error',
      build: {
        outDir: join(site, name),
        target: 'es2023',
        lib: { entry: join(project, `${name}.js`), formats: ['es'], fileName: 'main' },
      },
    });
    writeFileSync(join(site, name, 'index.html'), '<script type="module" src="./main.js"></script>');
  }
  const server = await serveFolder(site);
  const browser = await chromium.launch({ ...launchPath(), args: CHROMIUM_ARGS });
  try {
    for (const { name, usesGpu } of EXAMPLES) {
      const printed = await printedBy(browser, `${server.address}${name}/`);
      if (usesGpu)
        expect(printed).toMatch(/^(attention agrees with its twin|a neighbour changes no token): true$/);
      else expect(printed).toBe(printedInNode.get(name));
    }
  } finally {
    await browser.close();
    server.close();
  }
});

/** Opens a page and collects what it prints until its module has run to the end. */
async function printedBy(browser: Browser, address: string): Promise<string> {
  const page = await browser.newPage();
  const lines: string[] = [];
  const errors: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'log') lines.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(address);
  // A module that was awaited to its end is imported at once; one that failed rejects.
  await page.evaluate('import(new URL("./main.js", location.href).href)');
  await page.close();
  expect(errors).toEqual([]);
  return lines.join('\n').trim();
}

function launchPath(): { executablePath?: string } {
  const path = findChromium();
  return path === null ? {} : { executablePath: path };
}

function readPackReport(report: string): { filename: string; paths: string[] } {
  const entries: unknown = JSON.parse(report.slice(report.indexOf('[')));
  const [entry] = entries as { filename: string; files: { path: string }[] }[];
  if (!entry) throw new Error('npm pack reported no package.');
  return { filename: entry.filename, paths: entry.files.map(({ path }) => path) };
}

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stdout}${stderr}`);
  return stdout;
}
