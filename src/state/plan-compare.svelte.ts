/** Two plans beside each other: which they are, and every field in which they differ. */
import { decodeLink, encodeScenarioLink, type Link } from '../core/scenario/link.ts';
import type { PlanScenario } from '../core/scenario/plan/schema.ts';
import { presetPlan } from '../core/scenario/presets.ts';
import type { ComparedPlans, Outcome } from '../workers/plan-api.ts';
import { Newest } from './newest.svelte.ts';
import { formatRoute, PLAN } from './route.ts';

export type Side = 'a' | 'b';
type Pair = readonly [a: PlanScenario, b: PlanScenario];

export class PlanCompare {
  a: PlanScenario | null = $state.raw(null);
  b: PlanScenario | null = $state.raw(null);
  /** Why a link or a file was refused; it changed nothing. */
  problem: string | null = $state(null);
  readonly result: Newest<Pair, ComparedPlans>;
  #lastAddress = '';

  constructor(compare: (a: PlanScenario, b: PlanScenario) => Promise<Outcome<ComparedPlans>>) {
    this.result = new Newest(([a, b]) => compare(a, b));
  }

  put(side: Side, scenario: PlanScenario): void {
    this.problem = null;
    if (side === 'a') this.a = scenario;
    else this.b = scenario;
    if (this.a !== null && this.b !== null) this.result.want([this.a, this.b]);
  }

  putPreset(side: Side, name: string): void {
    this.put(side, presetPlan(name));
  }

  refuse(sentence: string): void {
    this.problem = sentence;
  }

  /** Both sides of a shared comparison; a bad link gives its sentence and changes nothing. */
  async openLinks(first: string, second: string): Promise<void> {
    const address = `${first} ${second}`;
    if (address === this.#lastAddress) return;
    this.#lastAddress = address;
    const links = await Promise.all([decodeLink(first), decodeLink(second)]);
    if (this.#lastAddress !== address) return;
    const [a, b] = links.map(planOf);
    if (a && b) {
      this.put('a', a);
      this.put('b', b);
      return;
    }
    const bad = links.find((link) => !link.ok);
    this.problem = bad?.ok === false ? bad.sentence : 'This link does not hold two plans.';
  }

  /** The link's text after `#`; null while a side is empty. */
  async link(): Promise<string | null> {
    if (this.a === null || this.b === null) return null;
    const [link, other] = await Promise.all([
      encodeScenarioLink(this.a, null),
      encodeScenarioLink(this.b, null),
    ]);
    return formatRoute({ ...PLAN, view: 'compare', link, other }).slice(1);
  }
}

function planOf(link: Link): PlanScenario | null {
  return link.ok && link.kind === 'plan' ? link.scenario : null;
}
