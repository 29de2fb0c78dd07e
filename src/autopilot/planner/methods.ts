/**
 * What may be done to tokens, as a ladder: each step frees more, and costs the least risk for each byte that it frees more.
 *
 * Risk of a token: evicted or offloaded, the weight; quantized to a share s of its bytes, weight · (1 − s), so that a
 * stronger format never looks safer. A measured risk takes the place of both. The ladder is the lower hull of (freed
 * share, risk) over all methods, so that walking all tokens up it step by step, cheapest step first, loses the least.
 */
import type { KvFormat } from '../../core/kv/formats.ts';
import type { KVTier } from '../../core/kv/kv-pool-types.ts';
import type { KvAction } from '../../core/scenario/autopilot/action.ts';
import type { AutopilotPolicy } from '../../core/scenario/autopilot/policy.ts';
import { classOf, type PlanView } from './view.ts';

export type Method =
  | { readonly kind: 'evict' }
  | { readonly kind: 'offload'; readonly tier: KVTier }
  | { readonly kind: 'quantize'; readonly format: KvFormat };

export interface Step {
  readonly method: Method;
  /** Of one token, and where it comes from. */
  readonly risk: number;
  readonly origin: 'assumed' | 'measured';
  /** Of a token of the model's own format. */
  readonly freed: number;
  /** More risk than the step before over more freed. */
  readonly slope: number;
}

const QUANTIZED: Readonly<Record<string, KvFormat>> = { '0.5': 'int8', '0.25': 'int4', '0.125': 'int2' };

/** Bytes of a token over those of the model's own format, as a policy counts them. */
const SCALES: Readonly<Record<KvFormat, number>> = {
  f32: 1,
  f16: 1,
  'fp8-e4m3': 0.5,
  'fp8-e5m2': 0.5,
  int8: 0.5,
  int4: 0.25,
  int2: 0.125,
};

export function scaleOf(format: KvFormat): number {
  return SCALES[format];
}

export function actionOf(method: Method, sequence: string, from: number, to: number): KvAction {
  const range = { sequence, from, to };
  const { kind } = method;
  switch (kind) {
    case 'evict':
      return { kind, ...range };
    case 'offload':
      return { kind, ...range, tier: method.tier };
    case 'quantize':
      return { kind, ...range, format: method.format };
    default:
      return kind satisfies never;
  }
}

type Offer = Omit<Step, 'slope'>;

/** All methods that the policy names and the plant can do, in the order in which the policy tries them. */
function offers(current: KvFormat, view: PlanView, policy: AutopilotPolicy): Offer[] {
  const scale = scaleOf(current);
  const weight = (method: Method): Pick<Offer, 'risk' | 'origin'> => {
    const known = view.measured.get(classOf(actionOf(method, 'x', 0, 1)));
    if (known !== undefined) return { risk: known, origin: 'measured' };
    const assumed = policy.riskWeights[method.kind];
    // What a token of a small format has lost already is not lost again.
    const share = method.kind === 'quantize' ? scale - scaleOf(method.format) : 1;
    return { risk: assumed * share, origin: 'assumed' };
  };
  const offer = (method: Method, freed: number): Offer => ({ method, freed, ...weight(method) });
  return policy.actionPriority.flatMap((kind): Offer[] => {
    if (!view.capabilities.has(kind)) return [];
    if (kind === 'evict') return [offer({ kind }, scale)];
    if (kind === 'offload') return policy.tiers.slice(1).map((tier) => offer({ kind, tier }, scale));
    if (kind !== 'quantize') return [];
    return policy.quantizationScales.flatMap((share): Offer[] => {
      const format = QUANTIZED[String(share)];
      if (format === undefined || scaleOf(format) >= scale) return [];
      return [offer({ kind, format }, scale - scaleOf(format))];
    });
  });
}

/**
 * The steps for tokens that hold a format now, the least slope first; none where nothing may be done to them. What can be
 * offloaded is limited, so the ladder without it is there too, for the tokens that find no room.
 */
export function ladderOf(current: KvFormat, view: PlanView, policy: AutopilotPolicy): Step[] {
  const open = offers(current, view, policy).filter(
    ({ method }) => !view.barred.has(classOf(actionOf(method, 'x', 0, 1))),
  );
  const all = hullOf(open);
  const others = hullOf(open.filter(({ method }) => method.kind !== 'offload'));
  const isNew = (step: Step) =>
    !all.some(({ method, slope }) => method === step.method && slope === step.slope);
  return [...all, ...others.filter(isNew)].sort((a, b) => a.slope - b.slope);
}

function hullOf(open: readonly Offer[]): Step[] {
  const steps: Step[] = [];
  let at = { freed: 0, risk: 0 };
  for (;;) {
    let best: Step | null = null;
    for (const offer of open) {
      const gain = offer.freed - at.freed;
      if (gain <= 0) continue;
      const slope = Math.max(0, offer.risk - at.risk) / gain;
      if (best === null || slope < best.slope) best = { ...offer, slope };
    }
    if (best === null) return steps;
    steps.push(best, ...sameReach(open, best));
    at = best;
  }
}

/** The lower tiers behind the first: where one is full, the next takes the tokens at the same risk. */
function sameReach(open: readonly Offer[], step: Step): Step[] {
  return open.flatMap((offer) => {
    const again = offer.method !== step.method && offer.freed === step.freed && offer.risk === step.risk;
    return again && offer.method.kind === step.method.kind ? [{ ...offer, slope: step.slope }] : [];
  });
}
