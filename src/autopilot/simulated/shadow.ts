/**
 * What a shadow meets on the simulated engine, which has no model: samples of a loss that the scenario gives, or of what
 * the laboratory measured on the shipped model.
 *
 * KL is drawn exponentially around its mean and agreement as a coin, so that a sequential test sees noise of the size
 * that it would see. A sequence that several actions touch loses what the worst of them loses: they lie on ranges of their own.
 */
import type { KvFormat } from '../../core/kv/formats.ts';
import type { Random } from '../../core/random.ts';
import type { KvAction } from '../../core/scenario/autopilot/action.ts';
import type { AutopilotScenario } from '../../core/scenario/autopilot/schema.ts';
import type { ShadowSample } from '../plant.ts';

/** Compared positions of one sequence in one look. */
const POSITIONS = 32;

interface Loss {
  /** Mean, nats. */
  readonly kl: number;
  /** Share of positions whose most probable token is another one. */
  readonly disagreement: number;
}

const NOTHING: Loss = { kl: 0, disagreement: 0 };

/**
 * Measured with `kvlab quality` on the shipped model (docs/measured.md: 6 texts of 24 scored tokens, f32 weights), K and V
 * alike, all of the cache in the format.
 */
export const MEASURED_LOSS: Readonly<Record<Exclude<KvFormat, 'f32'>, Loss>> = {
  f16: { kl: 3e-8, disagreement: 0 },
  'fp8-e4m3': { kl: 5.6e-5, disagreement: 0.014 },
  'fp8-e5m2': { kl: 0.0055, disagreement: 0.056 },
  int8: { kl: 1.6e-6, disagreement: 0.007 },
  int4: { kl: 0.0006, disagreement: 0.104 },
  int2: { kl: 0.04, disagreement: 0.25 },
};

/** A window of 64 of some 400 tokens on the same model and texts: nobody measured a mean over all evictions. Assumed. */
const ASSUMED_EVICTION: Loss = { kl: 0.04, disagreement: 0.06 };

function given(loss: number): Loss {
  return { kl: loss, disagreement: Math.min(1, loss) };
}

/** What a format loses: those that the scenario does not name are measured ones. */
function formatLoss(format: KvFormat, simulated: AutopilotScenario['simulatedLoss']): Loss {
  if (format === 'f32') return NOTHING;
  const named = format === 'int8' || format === 'int4' || format === 'int2';
  return simulated !== null && named ? given(simulated[format]) : MEASURED_LOSS[format];
}

export function lossOf(action: KvAction, simulated: AutopilotScenario['simulatedLoss']): Loss {
  switch (action.kind) {
    case 'quantize':
      return formatLoss(action.format, simulated);
    case 'evict':
      return simulated === null ? ASSUMED_EVICTION : given(simulated.evict);
    case 'offload':
    case 'fetch':
    case 'prefixCache':
    case 'concurrency':
    case 'admission':
    case 'chunk':
      return NOTHING;
    default:
      return action satisfies never;
  }
}

/** Sequences that actions touch, in the order in which they are first named. */
export function touchedBy(actions: readonly KvAction[]): string[] {
  return [...new Set(actions.flatMap((action) => ('sequence' in action ? [action.sequence] : [])))];
}

/** @param fraction of the touched sequences; at least one, drawn */
export function shadowSamples(
  actions: readonly KvAction[],
  fraction: number,
  simulated: AutopilotScenario['simulatedLoss'],
  random: Random,
): ShadowSample[] {
  const touched = touchedBy(actions);
  const count = Math.min(touched.length, Math.max(1, Math.ceil(fraction * touched.length)));
  return random
    .shuffled(touched)
    .slice(0, count)
    .flatMap((sequence) => {
      const own = actions.filter((action) => 'sequence' in action && action.sequence === sequence);
      const losses = own.map((action) => lossOf(action, simulated));
      const kl = Math.max(...losses.map((loss) => loss.kl));
      const disagreement = Math.max(...losses.map((loss) => loss.disagreement));
      return Array.from({ length: POSITIONS }, () => ({
        sequence,
        kl: kl * random.exponential(),
        top1: random.uniform() < disagreement ? 0 : 1,
      }));
    });
}
