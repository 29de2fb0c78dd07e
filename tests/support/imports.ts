/**
 * Which room of src/ may import which, as DESIGN.md draws it, and the search for imports that run another way.
 *
 *   core ← sim, gpu ← engine ← lab, plan, endpoints ← tune, advise, autopilot ← workers ← state ← views
 */
import { posix } from 'node:path';

/** Rooms of the main line, from the ground up; a room may use every layer below its own, not its neighbours. */
const LAYERS: readonly (readonly string[])[] = [
  ['core'],
  ['sim', 'gpu'],
  ['engine'],
  ['lab', 'plan', 'endpoints'],
  ['tune', 'advise', 'autopilot'],
];

function below(room: string): string[] {
  const level = LAYERS.findIndex((rooms) => rooms.includes(room));
  return LAYERS.slice(0, level).flat();
}

const LINE = LAYERS.flat();
const LIBRARY = ['index.ts'];

/** What each room may import besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(LINE.map((room) => [room, below(room)])),
  charts: ['core'],
  exchange: ['core', 'charts'],
  store: ['core'],
  workers: [...LINE, 'charts', 'exchange', 'store'],
  cli: [...LINE, 'charts', 'exchange', 'store', 'workers', ...LIBRARY],
  state: [...LINE, 'charts', 'exchange', 'store', 'workers'],
  views: [...LINE, 'charts', 'exchange', 'store', 'workers', 'state', 'styles'],
  'main.ts': ['views', 'state', 'styles', 'workers', 'store', 'core'],
  'index.ts': ['core', 'charts', 'exchange'],
  styles: [],
};

/** Rooms that must run without a document: in a worker, in Node or under Dawn. */
const NO_SVELTE = new Set([...LINE, 'exchange', 'store', 'workers', 'cli', 'index.ts']);

/**
 * Import specifiers of a TypeScript or Svelte source: static, dynamic, re-exports and type imports, and workers made
 * from `new URL('…', import.meta.url)`. Comments are dropped first, so that an example in one is no import.
 */
export function importsOf(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const patterns = [
    /\b(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/g,
    /\bimport\s*['"]([^'"]+)['"]/g,
    /\bimport\s*\(\s*['"]([^'"]+)['"]/g,
    /\bimport\.meta\.glob(?:<[^>]*>)?\(\s*['"]([^'"]+)['"]/g,
    /\bnew URL\(\s*['"](\.[^'"]+)['"]\s*,\s*import\.meta\.url/g,
  ];
  return patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] ?? ''));
}

/** The room of a path inside the repository: the folder under src/, or the file itself where it lies in src/. */
export function roomOf(path: string): string | null {
  return /^src\/([^/]+)/.exec(path)?.[1] ?? null;
}

/** Why `file` (a path from the repository's root) may not hold these imports; empty when all is well. */
export function wrongImports(file: string, source: string): string[] {
  const room = roomOf(file);
  if (room === null || file.endsWith('.d.ts')) return [];
  const allowed = MAY_IMPORT[room];
  if (!allowed)
    return [`${file}: src/${room} is no room of the house; give it a place in tests/support/imports.ts.`];
  return importsOf(source).flatMap((specifier) => {
    const problem = problemOf(file, room, allowed, specifier);
    return problem ? [`${file} imports ${specifier}: ${problem}`] : [];
  });
}

function problemOf(file: string, room: string, allowed: readonly string[], specifier: string): string | null {
  if (!specifier.startsWith('.')) {
    const isSvelte = /^svelte(\/|$)/.test(specifier);
    return isSvelte && NO_SVELTE.has(room) ? `src/${room} knows no page.` : null;
  }
  const target = posix.normalize(posix.join(posix.dirname(file), specifier));
  if (room === 'cli') return cliProblem(file, target);
  const other = roomOf(target);
  if (other === null) return outsideProblem(room, target);
  if (other === room || allowed.includes(other)) return null;
  return `src/${room} may use ${allowed.length > 0 ? allowed.join(', ') : 'nothing else'}, not ${other}.`;
}

/** Data outside src/ that a room reads: kernels belong to gpu, scenarios to core; package.json and the rest to nobody. */
function outsideProblem(room: string, target: string): string | null {
  if (target.startsWith('shaders/')) return room === 'gpu' ? null : 'kernels are read by src/gpu alone.';
  if (target.startsWith('scenarios/')) return null;
  if (target.startsWith('..')) return 'it lies outside the repository.';
  return `src/ does not reach into ${target.split('/')[0] ?? target}.`;
}

/** The command line stands on the package's own exports, so that whatever it can do, the library can. */
export function isPackageEntry(target: string): boolean {
  return /^src\/(?:[a-z]+\/)?index\.ts$/.test(target);
}

function cliProblem(file: string, target: string): string | null {
  if (target.startsWith('src/cli/') || isPackageEntry(target)) return null;
  // One search for a Chromium serves tests, bench and command line.
  if (target === 'scripts/chromium.mjs') return null;
  // Its headless page drives the page's own worker.
  if (file.startsWith('src/cli/headless/') && target.startsWith('src/workers/')) return null;
  return 'the command line uses only the exports of the package.';
}
