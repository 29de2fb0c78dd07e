/** Advice on a run: asked for by hand, because it simulates; forgotten when another run is shown. */
import type { Advice, Evidence, Recommendation } from '../advise/types.ts';
import { formatValue } from '../charts/format.ts';
import type { Run } from '../core/run/schema.ts';
import { NO_INPUTS, type SimInputs } from '../workers/sim-api.ts';
import { SimTask, type SimPort } from './sim-session.svelte.ts';

export class AdviceSession {
  readonly task: SimTask<Advice>;
  /** Whose advice is shown; null: nobody's. */
  asked: string | null = $state(null);

  constructor(port: SimPort) {
    this.task = new SimTask(port);
  }

  async ask(run: Run, point: number, inputs: SimInputs = NO_INPUTS): Promise<void> {
    this.asked = run.id;
    await this.task.ask((api, onProgress) => api.advise(run, point, inputs, onProgress));
  }

  cancel(): void {
    this.task.cancel();
  }

  /** Another run is shown. */
  forget(): void {
    this.asked = null;
    this.task.clear();
  }
}

/** Kinds of run that advice can rest on. */
const ADVISABLE: ReadonlySet<Run['kind']> = new Set(['simulate', 'serve', 'load', 'watch', 'lab']);

export function isAdvisable(run: Run): boolean {
  return ADVISABLE.has(run.kind);
}

export interface PointChoice {
  readonly index: number;
  readonly label: string;
}

/** Points that have a result, to choose among; empty for a run without points. */
export function advisablePoints(run: Run): PointChoice[] {
  if (run.kind !== 'simulate' && run.kind !== 'serve' && run.kind !== 'load') return [];
  const points: readonly {
    readonly settings: Readonly<Record<string, number | string>>;
    readonly repetitions: readonly unknown[];
  }[] = run.points;
  return points.flatMap(({ settings, repetitions }, index) => {
    const words = Object.entries(settings).map(
      ([path, value]) => `${path.split('.').at(-1) ?? path} ${value}`,
    );
    return repetitions.length === 0 ? [] : [{ index, label: words.join(', ') || 'the one point' }];
  });
}

export function evidenceValue({ value, unit }: Evidence): string {
  return formatValue(value, unit);
}

/** What it would bring, in a few words beside its title. */
export function headline({ effects }: Recommendation): string {
  return effects[0]?.sentence ?? '';
}
