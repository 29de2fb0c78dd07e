/**
 * A policy as text beside the same policy as sliders: whichever was touched last is what both show.
 *
 * What is typed and does not read keeps its text and its sentence, and the policy stays as it was.
 */
import type { Json, Read } from '../core/json.ts';
import type { AutopilotPolicy } from '../core/scenario/autopilot/policy.ts';
import type { AutopilotScenario } from '../core/scenario/autopilot/schema.ts';
import type { Draft } from './draft.svelte.ts';

/** How policies are read and written: src/autopilot/policy, which brings YAML with it. */
export interface PolicyWords {
  readonly readPolicy: (text: string) => Read<AutopilotPolicy>;
  readonly policyToYaml: (policy: AutopilotPolicy) => string;
}

const PATH = 'policy';

export class PolicyText {
  readonly #draft: Draft<AutopilotScenario>;
  readonly #words: PolicyWords;
  /** What was typed, and the policy that it was read as. */
  #typed: { readonly text: string; readonly policy: string } | null = $state.raw(null);

  constructor(draft: Draft<AutopilotScenario>, words: PolicyWords) {
    this.#draft = draft;
    this.#words = words;
  }

  get text(): string {
    const wrong = this.#draft.typedAt(PATH);
    if (wrong !== null) return wrong;
    const policy = this.#policy;
    if (this.#typed !== null && this.#typed.policy === JSON.stringify(policy)) return this.#typed.text;
    return policy === null ? '' : this.#words.policyToYaml(policy);
  }

  get problem(): string | null {
    return this.#draft.problemOf(PATH);
  }

  type(text: string): void {
    const read = this.#words.readPolicy(text);
    if (!read.ok) {
      this.#draft.refuse(PATH, text, read.sentence);
      return;
    }
    this.take(read.value);
    this.#typed = { text, policy: JSON.stringify(read.value) };
  }

  /** A policy from elsewhere, such as a preset. */
  take(policy: AutopilotPolicy): void {
    this.#typed = null;
    this.#draft.clearUnder(PATH);
    this.#draft.set(PATH, policy as unknown as Json);
  }

  /** One number or list of it, as a slider sets it; a text that did not read gives way. */
  set(path: string, value: Json): void {
    this.#draft.clear(PATH);
    this.#draft.set(path, value);
  }

  /** Whether the policy is this one. */
  is(policy: AutopilotPolicy): boolean {
    return JSON.stringify(this.#policy) === JSON.stringify(policy);
  }

  get #policy(): AutopilotPolicy | null {
    return this.#draft.readable?.policy ?? null;
  }
}
