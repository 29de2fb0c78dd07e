// The whole test: type check, lint, format, build, then the unit, kernel and page tests. It ends with one line that
// counts everything. Names of stages as arguments run only those: npm test -- lint node
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { ensureChromium } from './ensure-chromium.mjs';

const REPORTS = 'test-results';
/** Vitest leaves one core free, which on two cores leaves half of them idle. */
const NODE_WORKERS = Math.max(2, availableParallelism() - 1);

/** Each stage is a command and counts as one, except a vitest project, which counts its tests. */
const CHECKS = [
  { name: 'types', command: ['svelte-check', '--tsconfig', './tsconfig.json', '--fail-on-warnings'] },
  { name: 'lint', command: ['eslint', '.', '--max-warnings', '0'] },
  { name: 'format', command: ['prettier', '--check', '.'] },
];
const BUILD = { name: 'build', command: ['vite', 'build', '--logLevel', 'warn'] };
const PROJECTS = ['node', 'gpu', 'e2e'];

const ALL = [...CHECKS.map(({ name }) => name), BUILD.name, ...PROJECTS];
const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !ALL.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`There is no test stage ${unknown.join(', ')}. The stages are ${ALL.join(', ')}.\n`);
  process.exit(2);
}
const wanted = (name) => chosen.length === 0 || chosen.includes(name);

const count = { passed: 0, failed: 0, skipped: 0 };
try {
  if (PROJECTS.some(wanted)) process.stdout.write(`Chromium: ${ensureChromium()}\n`);
  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
  // The three checks wait for no GPU and for each other only through the processor.
  await Promise.all(CHECKS.filter(({ name }) => wanted(name)).map((stage) => check(stage, 'buffer')));
  if (wanted(BUILD.name) || wanted('e2e')) await check(BUILD, 'inherit');
  for (const project of PROJECTS.filter(wanted)) await runProject(project);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  count.failed += 1;
}

const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
process.stdout.write(`\n${count.passed} passed, ${count.failed} failed${skipped}\n`);
process.exit(count.failed === 0 && count.passed > 0 ? 0 : 1);

async function check({ name, command }, output) {
  const { code, text, seconds } = await run(command, output);
  if (code === 0) count.passed += 1;
  else count.failed += 1;
  process.stdout.write(`${text}${code === 0 ? 'ok' : 'FAILED'}  ${name} (${seconds} s)\n`);
}

async function runProject(project) {
  const report = `${REPORTS}/${project}.json`;
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const workers = project === 'node' ? [`--maxWorkers=${NODE_WORKERS}`] : [];
  const { code } = await run(['vitest', 'run', '--project', project, ...workers, ...reporters], 'inherit');
  const result = readReport(report);
  count.passed += result.numPassedTests;
  count.skipped += result.numPendingTests + result.numTodoTests;
  // A file that does not load fails without a failed test in it, and an unhandled error without either.
  const failed = result.numFailedTests + result.suitesWithoutTests;
  count.failed += code !== 0 && failed === 0 ? 1 : failed;
}

function readReport(file) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    const suitesWithoutTests = report.testResults.filter(
      ({ status, assertionResults }) =>
        status === 'failed' && !assertionResults.some(({ status }) => status === 'failed'),
    ).length;
    return { ...report, suitesWithoutTests };
  } catch {
    return {
      numPassedTests: 0,
      numFailedTests: 0,
      numPendingTests: 0,
      numTodoTests: 0,
      suitesWithoutTests: 0,
    };
  }
}

function run([tool, ...args], output) {
  const start = Date.now();
  return new Promise((resolve, reject) => {
    const child = spawn('npx', ['--no-install', tool, ...args], {
      stdio: output === 'inherit' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
      env: { ...process.env, REQUIRE_GPU: '1' },
    });
    let text = '';
    child.stdout?.on('data', (data) => (text += data));
    child.stderr?.on('data', (data) => (text += data));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, text, seconds: Math.round((Date.now() - start) / 1000) }));
  });
}
