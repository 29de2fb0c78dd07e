/**
 * The one door to a policy's text: YAML or JSON, partial over the defaults, refused in one sentence.
 *
 * Boundary: bounds, names and meaning. The schema and its own rules are in core/scenario/autopilot; here comes what they
 * can't know, whether `eviction` can be read. A file of its own, so that a page loads YAML only where a policy is written.
 */
import * as v from 'valibot';
import { parse, stringify } from 'yaml';
import {
  checkJson,
  isJsonObject,
  type Json,
  type JsonBounds,
  type JsonObject,
  type Read,
} from '../../core/json.ts';
import { mergeLayer } from '../../core/scenario/layer.ts';
import { AutopilotPolicy, DEFAULT_POLICY } from '../../core/scenario/autopilot/policy.ts';
import { policyContradiction } from '../../core/scenario/autopilot/rules.ts';
import { issueSentence } from '../../core/sentences.ts';
import { parseScore } from '../score/index.ts';
import { actionNamed, fieldNamed, nearestField, tierNamed } from './names.ts';

export const POLICY_BOUNDS: JsonBounds = {
  what: 'policy',
  maxCharacters: 20_000,
  maxDepth: 4,
  maxValues: 200,
};

function refuse(sentence: string): { readonly ok: false; readonly sentence: string } {
  return { ok: false, sentence };
}

/** YAML is a superset of JSON. No aliases: a policy has nothing to repeat. */
function readText(text: string): Read<unknown> {
  if (text.length > POLICY_BOUNDS.maxCharacters) {
    return refuse(
      `This policy has ${text.length} characters; at most ${POLICY_BOUNDS.maxCharacters} are read.`,
    );
  }
  try {
    return { ok: true, value: parse(text, { maxAliasCount: 0, uniqueKeys: true, logLevel: 'error' }) };
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return refuse(
      `This is neither YAML nor JSON that can be read: ${reason.slice(0, 200).replace(/:$/, '')}.`,
    );
  }
}

function named(value: Json | undefined, name: (text: string) => string): Json | undefined {
  return Array.isArray(value)
    ? value.map((item: Json) => (typeof item === 'string' ? name(item) : item))
    : value;
}

/** Names of fields, tiers and actions as they are called here. */
function renamed(layer: JsonObject): Read<JsonObject> {
  const fields = new Map<string, Json>();
  for (const [name, value] of Object.entries(layer)) {
    if (value === undefined) continue;
    const field = fieldNamed(name);
    if (field === null) {
      return refuse(`${name.slice(0, 60)} is not a field of a policy; ${nearestField(name)} is the nearest.`);
    }
    if (fields.has(field)) return refuse(`${field} stands twice in the policy; keep one.`);
    fields.set(field, value);
  }
  const lists: Readonly<Record<string, (text: string) => string>> = {
    tiers: tierNamed,
    actionPriority: actionNamed,
  };
  for (const [field, name] of Object.entries(lists)) {
    const value = named(fields.get(field), name);
    if (value !== undefined) fields.set(field, value);
  }
  return { ok: true, value: Object.fromEntries(fields) };
}

/** A policy from a plain object, partial over `base`. */
export function policyFrom(input: unknown, base: AutopilotPolicy = DEFAULT_POLICY): Read<AutopilotPolicy> {
  const read = checkJson(input ?? {}, POLICY_BOUNDS);
  if (!read.ok) return read;
  if (!isJsonObject(read.value))
    return refuse('A policy is a list of fields such as “kvUseTarget: 0.85”; this is none.');
  const layer = renamed(read.value);
  if (!layer.ok) return layer;
  const result = v.safeParse(AutopilotPolicy, mergeLayer(base, layer.value), { abortEarly: true });
  if (!result.success) return refuse(issueSentence(result.issues, 'The policy', DEFAULT_POLICY));
  const sentence = policySentence(result.output);
  return sentence === null ? { ok: true, value: result.output } : refuse(sentence);
}

/** What contradicts itself in a policy, the eviction score included; or null. */
export function policySentence(policy: AutopilotPolicy): string | null {
  const contradiction = policyContradiction(policy);
  if (contradiction !== null) return contradiction;
  const score = parseScore(policy.eviction);
  return score.ok ? null : `policy.eviction: ${score.sentence}`;
}

/** A policy from YAML or JSON, partial over the defaults. An empty text is the default policy. */
export function readPolicy(text: string): Read<AutopilotPolicy> {
  const read = readText(text);
  return read.ok ? policyFrom(read.value) : read;
}

/** The policy as YAML that `readPolicy` reads back. */
export function policyToYaml(policy: AutopilotPolicy): string {
  return stringify(policy, { lineWidth: 110, flowCollectionPadding: false, collectionStyle: 'any' });
}
