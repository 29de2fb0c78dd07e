/** The desk's work, without the worker around it. */
import type { FigureSpec } from '../charts/figure.ts';
import { measuredFigures } from '../charts/figures/measured.ts';
import { parseRunLazily } from '../core/run/parse-lazily.ts';
import type { Run } from '../core/run/schema.ts';
import type { RunStore } from '../store/runs.ts';
import type { DeskApi } from './desk-api.ts';
import { lightRun } from './light-run.ts';

const VERSION = typeof __APP_VERSION__ === 'undefined' ? 'unbuilt' : __APP_VERSION__;
const ALREADY = 'This file was imported before; its run is kept as it is here.';

/** Those of simulated and quality runs are loaded with the first one: the first screen does without them. */
async function figuresOf(run: Run, other: Run | null): Promise<readonly FigureSpec[]> {
  if (run.kind === 'lab' || run.kind === 'check') {
    return measuredFigures(run, other?.kind === 'lab' || other?.kind === 'check' ? other : undefined);
  }
  if (run.kind === 'quality') {
    const { qualityFigures } = await import('../charts/figures/quality/index.ts');
    return qualityFigures(run, other?.kind === 'quality' ? other : undefined);
  }
  if (run.kind === 'serve') {
    const { servingFigures } = await import('../charts/figures/serving/index.ts');
    return servingFigures(run, other?.kind === 'serve' ? other : undefined);
  }
  if (run.kind === 'tune') {
    const { tuneFigures } = await import('../charts/figures/tune/index.ts');
    return tuneFigures(run);
  }
  if (run.kind === 'plan') {
    const { planFiguresFor } = await import('../charts/figures/plan/index.ts');
    return planFiguresFor(run, other?.kind === 'plan' ? other : undefined);
  }
  if (run.kind === 'load' || run.kind === 'watch') {
    const { loadFigures } = await import('../charts/figures/load/index.ts');
    return loadFigures(run, other?.kind === 'load' || other?.kind === 'watch' ? other : undefined);
  }
  if (run.kind === 'autopilot') {
    const { autopilotFigures } = await import('../charts/figures/autopilot/index.ts');
    return autopilotFigures(run, other?.kind === 'autopilot' ? other : undefined);
  }
  if (run.kind === 'imported') {
    const { importedFigures } = await import('../charts/figures/imported/index.ts');
    return importedFigures(run, other?.kind === 'imported' ? other : undefined);
  }
  await import('../core/all-records.ts');
  const { simFiguresFor } = await import('../charts/figures/simulation/index.ts');
  return simFiguresFor(run, other?.kind === 'simulate' ? other : undefined);
}

/** With the database behind it: the first screen does without both. */
const openKept = async (): Promise<RunStore> => (await import('../store/runs.ts')).openRunStore();

/** @param openStore opened on the first question that needs it, and again after a failure */
export function createDesk(openStore: () => Promise<RunStore> = openKept): DeskApi {
  let opened: Promise<RunStore> | null = null;
  const store = (): Promise<RunStore> => {
    opened ??= openStore().catch((error: unknown) => {
      opened = null;
      throw error;
    });
    return opened;
  };
  /** The page holds simulations without all their rows; files have them, where they are kept. */
  const whole = async (run: Run): Promise<Run> => {
    if (run.kind !== 'simulate') return run;
    const kept = await store()
      .then((runs) => runs.get(run.id))
      .catch(() => null);
    return kept ?? run;
  };
  return {
    readRun: parseRunLazily,
    figures: figuresOf,
    csv: async (run, rows) => (await import('./run-texts.ts')).csvOf(await whole(run), rows),
    json: async (run) => (await import('./run-texts.ts')).runToJson(await whole(run)),
    report: async (run, baseline, format) => {
      await import('../core/all-records.ts');
      const [text, first, second] = await Promise.all([
        import('../exchange/report/run-report.ts'),
        whole(run),
        baseline === null ? null : whole(baseline),
      ]);
      const write = format === 'html' ? text.runReportHtml : text.runReportMarkdown;
      return write(first, { baseline: second });
    },
    exportRun: async (run, format) => {
      await import('../core/all-records.ts');
      const [{ exportRun }, all] = await Promise.all([import('../exchange/write/formats.ts'), whole(run)]);
      return exportRun(all, format);
    },
    list: async () => (await store()).list(),
    get: async (id) => {
      const run = await (await store()).get(id);
      return run?.kind === 'simulate' ? lightRun(run) : run;
    },
    put: async (run) => (await store()).put(run),
    rename: async (id, title) => (await store()).rename(id, title),
    remove: async (id) => (await store()).remove(id),
    exportAll: async () => (await store()).exportAll(),
    importText: async (text, file = 'a file') => {
      const runs = await store();
      const { brought } = await import('./import-file.ts');
      const found = brought(text, { createdAt: new Date().toISOString(), appVersion: VERSION, file });
      if (found.kind === 'ours') return runs.importText(text);
      if (found.kind === 'refused') return { added: 0, refused: [found.sentence] };
      if ((await runs.get(found.run.id)) !== null) return { added: 0, refused: [ALREADY] };
      await runs.put(found.run);
      return { added: 1, refused: [] };
    },
  };
}
