/**
 * Links: a scenario or a check card as the text after `#`, and back.
 *
 *   s<version>.<payload>.<checksum>   scenario: its kind where it is no experiment, preset, its fingerprint, differences
 *   c<version>.<payload>.<checksum>   card of a hardware check
 *
 * The version stands in the open, so that a newer link can be named before anything is unpacked. The payload is
 * base64url of raw deflate of JSON; the checksum is the CRC-32 of that JSON in base 36 and finds cut and damaged links.
 * Differences are from a preset, so a preset that changed since is refused by its fingerprint instead of quietly giving
 * another scenario.
 *
 * Unpacking is bounded while it streams. Whatever is wrong with a link becomes one sentence and changes nothing.
 */
import { canonicalJson, crc32, isJsonObject, readJson, type JsonObject, type Read } from '../json.ts';
import { parseCheckCard, toCheckCard } from '../run/card.ts';
import type { CheckRun } from '../run/schema.ts';
import { isScenarioKind, SCENARIO_KINDS, type AnyScenario, type ScenarioKind } from './kinds.ts';
import { diffLayer, mergeLayer } from './layer.ts';
import { SCENARIO_BOUNDS, validateAny } from './parse.ts';
import { anyPresetScenario, findPreset, PRESETS, type Preset } from './presets.ts';
import type { AutopilotScenario } from './autopilot/schema.ts';
import type { LoadScenario } from './load/schema.ts';
import type { PlanScenario } from './plan/schema.ts';
import type { QualityScenario } from './quality/schema.ts';
import { SCENARIO_VERSION, type Scenario } from './schema.ts';
import type { ServeScenario } from './serve/schema.ts';
import type { SimScenario } from './simulate/schema.ts';
import type { TuneScenario } from './tune/schema.ts';

const MAX_LINK_CHARACTERS = 65_536;
const MAX_UNPACKED_BYTES = 65_536;

export type Link =
  | {
      readonly ok: true;
      readonly kind: 'scenario';
      readonly preset: string | null;
      readonly scenario: Scenario;
    }
  | {
      readonly ok: true;
      readonly kind: 'simulation';
      readonly preset: string | null;
      readonly scenario: SimScenario;
    }
  | {
      readonly ok: true;
      readonly kind: 'quality';
      readonly preset: string | null;
      readonly scenario: QualityScenario;
    }
  | {
      readonly ok: true;
      readonly kind: 'serve';
      readonly preset: string | null;
      readonly scenario: ServeScenario;
    }
  | {
      readonly ok: true;
      readonly kind: 'plan';
      readonly preset: string | null;
      readonly scenario: PlanScenario;
    }
  | {
      readonly ok: true;
      readonly kind: 'tune';
      readonly preset: string | null;
      readonly scenario: TuneScenario;
    }
  | {
      readonly ok: true;
      readonly kind: 'load';
      readonly preset: string | null;
      readonly scenario: LoadScenario;
    }
  | {
      readonly ok: true;
      readonly kind: 'autopilot';
      readonly preset: string | null;
      readonly scenario: AutopilotScenario;
    }
  | { readonly ok: true; readonly kind: 'check'; readonly run: CheckRun }
  | { readonly ok: false; readonly sentence: string };

const LINK_BOUNDS = { ...SCENARIO_BOUNDS, what: 'link' };
const DAMAGED = 'This link is cut off or damaged; ask for it again and copy all of it.';

function refuse(sentence: string): { readonly ok: false; readonly sentence: string } {
  return { ok: false, sentence };
}

function toBase64Url(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** @throws DOMException for text that is no base64url. */
function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** Sends bytes through a (de)compression stream and collects at most `maxBytes`; null when there are more. */
async function through(
  stream: CompressionStream | DecompressionStream,
  bytes: Uint8Array<ArrayBuffer>,
  maxBytes: number,
): Promise<Uint8Array | null> {
  const writer = stream.writable.getWriter();
  // A broken stream rejects here and at the reader; the reader's rejection is the one that counts.
  writer.write(bytes).then(
    () => writer.close().catch(() => undefined),
    () => undefined,
  );
  const reader = stream.readable.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    length += part.value.length;
    if (length > maxBytes) {
      await reader.cancel().catch(() => undefined);
      return null;
    }
    chunks.push(part.value);
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

/** JSON text as the body of a link. Exported for tests of hostile links. */
export async function packLink(prefix: string, json: string): Promise<string> {
  const packed = await through(
    new CompressionStream('deflate-raw'),
    new TextEncoder().encode(json),
    Infinity,
  );
  return `${prefix}.${toBase64Url(packed ?? new Uint8Array())}.${crc32(json).toString(36)}`;
}

async function unpack(payload: string, checksum: string): Promise<Read<string>> {
  if (typeof DecompressionStream === 'undefined') {
    return refuse('This browser is too old to read links; update it, or load the scenario as a file.');
  }
  let bytes: Uint8Array | null;
  let json: string;
  try {
    bytes = await through(new DecompressionStream('deflate-raw'), fromBase64Url(payload), MAX_UNPACKED_BYTES);
    json = new TextDecoder('utf-8', { fatal: true }).decode(bytes ?? new Uint8Array());
  } catch {
    return refuse(DAMAGED);
  }
  if (bytes === null)
    return refuse(`This link unpacks to more than ${MAX_UNPACKED_BYTES} bytes; no scenario needs that.`);
  return crc32(json).toString(36) === checksum ? { ok: true, value: json } : refuse(DAMAGED);
}

function fingerprint({ layer }: Preset): number {
  return crc32(canonicalJson(layer));
}

/**
 * The link of a scenario, without `#`.
 * @param preset the preset it was made from; the shortest link comes from the nearest one
 */
export async function encodeScenarioLink(
  scenario: AnyScenario,
  preset: string | null,
  presets: readonly Preset[] = PRESETS,
): Promise<string> {
  const named = preset === null ? undefined : findPreset(preset, presets);
  const found = named?.kind === scenario.kind ? named : undefined;
  const { kind } = scenario;
  const set = diffLayer(
    found ? anyPresetScenario(found.name, presets) : SCENARIO_KINDS[kind].defaults,
    scenario,
  );
  const body = found ? { preset: found.name, of: fingerprint(found), set } : { set };
  // Links of experiments are as they were before there were other kinds.
  return packLink(`s${SCENARIO_VERSION}`, JSON.stringify(kind === 'lab' ? body : { kind, ...body }));
}

/** What a link's differences are from. */
function baseOf(
  body: JsonObject,
  presets: readonly Preset[],
): Read<{ preset: string | null; base: AnyScenario }> {
  const { kind = 'lab', preset = null, of } = body;
  if (!isScenarioKind(kind) || (preset !== null && typeof preset !== 'string')) return refuse(DAMAGED);
  if (preset === null) return { ok: true, value: { preset, base: SCENARIO_KINDS[kind].defaults } };
  const found = findPreset(preset, presets);
  const name = preset.slice(0, 60);
  if (!found) {
    return refuse(`This link builds on the experiment “${name}”, which is not known here; update KV Lab.`);
  }
  if (found.kind !== kind) return refuse(DAMAGED);
  if (of !== fingerprint(found)) {
    return refuse(`The experiment “${name}” has changed since this link was made; ask for a new link.`);
  }
  return { ok: true, value: { preset, base: anyPresetScenario(preset, presets) } };
}

/** Kinds of scenario that name models and GPUs of the whole catalogue. */
const NAMES_RECORDS: ReadonlySet<string> = new Set<ScenarioKind>(['simulate', 'tune', 'autopilot']);

async function decodeScenario(body: JsonObject, presets: readonly Preset[]): Promise<Link> {
  const { set } = body;
  if (!isJsonObject(set)) return refuse(DAMAGED);
  const read = baseOf(body, presets);
  if (!read.ok) return read;
  const { preset, base } = read.value;
  const document = mergeLayer(base, set);
  if (NAMES_RECORDS.has(base.kind)) await import('../all-records.ts');
  const checked = validateAny(base.kind, document);
  return checked.ok ? linkTo(checked.scenario, preset) : checked;
}

/** A link says what it leads to; an experiment's is called a scenario, as when there was no other kind. */
function linkTo(scenario: AnyScenario, preset: string | null): Link {
  switch (scenario.kind) {
    case 'lab':
      return { ok: true, kind: 'scenario', preset, scenario };
    case 'simulate':
      return { ok: true, kind: 'simulation', preset, scenario };
    case 'quality':
      return { ok: true, kind: 'quality', preset, scenario };
    case 'serve':
      return { ok: true, kind: 'serve', preset, scenario };
    case 'plan':
      return { ok: true, kind: 'plan', preset, scenario };
    case 'tune':
      return { ok: true, kind: 'tune', preset, scenario };
    case 'load':
      return { ok: true, kind: 'load', preset, scenario };
    case 'autopilot':
      return { ok: true, kind: 'autopilot', preset, scenario };
    default:
      return scenario satisfies never;
  }
}

/** The link of a check card, without `#`. */
export async function encodeCheckLink(run: CheckRun): Promise<string> {
  return packLink(`c${SCENARIO_VERSION}`, JSON.stringify(toCheckCard(run)));
}

function decodeCheck(body: JsonObject): Link {
  const card = parseCheckCard(body);
  return card.ok ? { ok: true, kind: 'check', run: card.value } : card;
}

const WHOLE = /^[sc]\d{1,6}\.([\w-]*)\.([0-9a-z]{1,7})$/;

/** What a link says at its front; null for text that is no link of ours at all. */
function openLink(text: string): Read<{ kind: 's' | 'c'; payload: string; checksum: string }> {
  const start = /^([sc])(\d{1,6})(?:\.|$)/.exec(text);
  if (!start) return refuse('This is no KV Lab link; open the page without it.');
  const version = Number(start[2]);
  if (version > SCENARIO_VERSION) {
    return refuse(
      `This link was made by a newer KV Lab (version ${version}; ${SCENARIO_VERSION} is read here); update.`,
    );
  }
  const [, payload, checksum] = WHOLE.exec(text) ?? [];
  if (version < 1 || payload === undefined || checksum === undefined) return refuse(DAMAGED);
  return { ok: true, value: { kind: start[1] === 'c' ? 'c' : 's', payload, checksum } };
}

/** Reads the text after `#`, with or without it. */
export async function decodeLink(fragment: string, presets: readonly Preset[] = PRESETS): Promise<Link> {
  const text = fragment.replace(/^#/, '');
  if (text.length > MAX_LINK_CHARACTERS) {
    return refuse(`This link has ${text.length} characters; at most ${MAX_LINK_CHARACTERS} are read.`);
  }
  const opened = openLink(text);
  if (!opened.ok) return opened;
  const { kind, payload, checksum } = opened.value;
  const unpacked = await unpack(payload, checksum);
  if (!unpacked.ok) return unpacked;
  const body = readJson(unpacked.value, LINK_BOUNDS);
  if (!body.ok) return body;
  if (!isJsonObject(body.value)) return refuse(DAMAGED);
  return kind === 's' ? decodeScenario(body.value, presets) : decodeCheck(body.value);
}
