/**
 * What a server is, before a load: reachable, its kind and version, the models it lists, its limits, and how many tokens it
 * counts in words.
 *
 * Asked are small answers that each server is known to give; what a server does not have is an error there and null here.
 */
import type { LoadedServer, ServerKind } from '../core/run/load.ts';
import { headersOf, withoutSecrets, type Endpoint } from './endpoint.ts';
import { EndpointError, faultOfFetch, faultOfStatus, notAnApi } from './fault.ts';

const PROBE_TIMEOUT_MS = 30_000;
const MAX_ANSWER_CHARACTERS = 2_000_000;

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly server: string;
}

/** One small question. @throws EndpointError where nobody answers at all */
export async function ask(
  endpoint: Endpoint,
  url: string,
  { method = 'GET', body, signal }: { method?: string; body?: string; signal?: AbortSignal } = {},
): Promise<Answer> {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    stop();
  }, PROBE_TIMEOUT_MS);
  signal?.addEventListener('abort', stop);
  try {
    const response = await endpoint.fetch(url, {
      method,
      // A question without a body needs no content type, and then a browser asks nobody for leave.
      headers: body === undefined ? authorization(endpoint) : headersOf(endpoint),
      ...(body === undefined ? {} : { body }),
      signal: controller.signal,
      redirect: 'error',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
    });
    const text = (await response.text()).slice(0, MAX_ANSWER_CHARACTERS);
    return { status: response.status, text, server: response.headers.get('server') ?? '' };
  } catch (error) {
    if (timedOut) {
      throw new EndpointError(
        'timeout',
        `The server did not answer within ${PROBE_TIMEOUT_MS / 1000} s; it may be loading or overloaded.`,
      );
    }
    throw faultOfFetch(error, false);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

function authorization({ key }: Endpoint): Record<string, string> {
  return key === null ? {} : { authorization: `Bearer ${key}` };
}

type Document = Readonly<Record<string, unknown>>;

function documentOf(text: string): Document | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

/** A document that the server may have; null where it has none. */
async function maybe(endpoint: Endpoint, path: string): Promise<Document | null> {
  try {
    const answer = await ask(endpoint, `${endpoint.root}${path}`);
    return answer.status === 200 ? documentOf(answer.text) : null;
  } catch {
    return null;
  }
}

function countIn(document: unknown, ...path: readonly string[]): number | null {
  let value: unknown = document;
  for (const name of path) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  }
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null;
}

function textIn(document: Document | null, name: string): string | null {
  const value = document?.[name];
  return typeof value === 'string' && value !== '' ? value.slice(0, 120) : null;
}

interface Listed {
  readonly models: readonly string[];
  readonly entries: readonly unknown[];
  readonly owner: string;
  readonly server: string;
}

/** @throws EndpointError in one sentence where this is no such server */
async function listed(endpoint: Endpoint): Promise<Listed> {
  const answer = await ask(endpoint, `${endpoint.api}/models`);
  if (answer.status !== 200) throw faultOfStatus(answer.status, answer.text, endpoint);
  const document = documentOf(answer.text);
  if (document === null) {
    if (/^\s*</.test(answer.text)) throw notAnApi(answer.status);
    throw new EndpointError(
      'not an API',
      'The address answers, but not with JSON as an inference server does; check the port.',
      answer.status,
    );
  }
  const { data } = document;
  const entries: readonly unknown[] = Array.isArray(data) ? data : [];
  if (!Array.isArray(data)) {
    throw new EndpointError(
      'not an API',
      'The address answers with JSON that lists no models; it is another service, so check the port.',
      answer.status,
    );
  }
  const models = entries.flatMap((entry) => {
    const id: unknown = typeof entry === 'object' && entry !== null ? Reflect.get(entry, 'id') : null;
    return typeof id === 'string' ? [id.slice(0, 300)] : [];
  });
  const owner: unknown =
    typeof entries[0] === 'object' && entries[0] !== null ? Reflect.get(entries[0], 'owned_by') : '';
  return { models: models.slice(0, 200), entries, owner: String(owner), server: answer.server };
}

const OWNERS: Readonly<Record<string, ServerKind>> = {
  vllm: 'vllm',
  sglang: 'sglang',
  llamacpp: 'llama.cpp',
  library: 'ollama',
  organization_owner: 'lm-studio',
  tensorrt_llm: 'tensorrt-llm',
};

/** Prefixes of metric names, for servers that do not say who they are elsewhere. */
const METRIC_PREFIXES: readonly (readonly [string, ServerKind])[] = [
  ['dynamo_', 'dynamo'],
  ['vllm:', 'vllm'],
  ['sglang:', 'sglang'],
  ['sglang_', 'sglang'],
  ['llamacpp:', 'llama.cpp'],
  ['tgi_', 'tgi'],
  ['trtllm_', 'tensorrt-llm'],
];

export function kindOfMetrics(text: string): ServerKind {
  const found = METRIC_PREFIXES.find(([prefix]) => text.includes(`\n${prefix}`) || text.startsWith(prefix));
  return found?.[1] ?? 'unknown';
}

/** Where servers put their metrics; TensorRT-LLM answers JSON of its own at the first. */
const METRIC_PATHS = ['/metrics', '/prometheus/metrics'] as const;

/** The answer that holds metrics, else the first. @throws EndpointError where nobody answers at all */
export async function askForMetrics(endpoint: Endpoint): Promise<Answer> {
  const answers: Answer[] = [];
  for (const path of METRIC_PATHS) {
    const answer = await ask(endpoint, `${endpoint.root}${path}`);
    if (answer.status === 200 && /^# (HELP|TYPE) /m.test(answer.text)) return answer;
    answers.push(answer);
    // Only what is not there, or speaks of something else, may be elsewhere.
    if (answer.status !== 404 && !/^\s*[[{]/.test(answer.text)) break;
  }
  const [first] = answers;
  if (first === undefined) throw new EndpointError('wrong path', 'The server has no metrics.');
  return first;
}

async function metricsOf(endpoint: Endpoint): Promise<string | null> {
  try {
    const { status, text } = await askForMetrics(endpoint);
    return status === 200 && /^# (HELP|TYPE) /m.test(text) ? text : null;
  } catch {
    return null;
  }
}

/** @throws EndpointError in one sentence where no load can be sent */
export async function probe(endpoint: Endpoint): Promise<LoadedServer> {
  const { models, entries, owner, server } = await listed(endpoint);
  const metrics = await metricsOf(endpoint);
  const props = /llama/i.test(server) || owner === 'llamacpp' ? await maybe(endpoint, '/props') : null;
  const info = await maybe(endpoint, props === null ? '/info' : '/health');
  const told = metrics === null ? 'unknown' : kindOfMetrics(metrics);
  const byInfo: ServerKind = info !== null && 'max_total_tokens' in info ? 'tgi' : 'unknown';
  const kind = [OWNERS[owner] ?? 'unknown', told, byInfo].find((known) => known !== 'unknown') ?? 'unknown';
  const version = await versionOf(endpoint, kind, props, info);
  const [entry] = entries;
  return {
    kind,
    version: version === null ? null : withoutSecrets(version, endpoint).slice(0, 120),
    models: [...models],
    maxModelTokens:
      countIn(entry, 'max_model_len') ??
      countIn(props, 'default_generation_settings', 'n_ctx') ??
      countIn(entry, 'meta', 'n_ctx') ??
      countIn(info, 'max_total_tokens'),
    maxSequences: countIn(props, 'total_slots') ?? countIn(info, 'max_concurrent_requests'),
    kvTokens: kvTokensOf(props, metrics),
    vocabulary: countIn(entry, 'meta', 'n_vocab'),
    metrics: metrics !== null,
  };
}

/** Of vLLM's cache_config_info labels; of llama.cpp its slots' contexts together. */
function kvTokensOf(props: Document | null, metrics: string | null): number | null {
  const config = /^vllm:cache_config_info\{([^}]*)\}/m.exec(metrics ?? '')?.[1] ?? '';
  const [blocks, size] = [/num_gpu_blocks="(\d+)"/, /block_size="(\d+)"/].map((label) =>
    Number(label.exec(config)?.[1] ?? 0),
  );
  if (blocks && size) return blocks * size;
  const slots = countIn(props, 'total_slots');
  const context = countIn(props, 'default_generation_settings', 'n_ctx');
  return slots !== null && context !== null ? slots * context : null;
}

async function versionOf(
  endpoint: Endpoint,
  kind: ServerKind,
  props: Document | null,
  info: Document | null,
): Promise<string | null> {
  switch (kind) {
    case 'llama.cpp':
      return textIn(props, 'build_info');
    case 'tgi':
      return textIn(info, 'version');
    case 'sglang':
      return textIn(await maybe(endpoint, '/get_server_info'), 'version');
    case 'ollama':
      return textIn(await maybe(endpoint, '/api/version'), 'version');
    case 'vllm':
    case 'tensorrt-llm':
      return textIn(await maybe(endpoint, '/version'), 'version');
    case 'dynamo':
    case 'lm-studio':
    case 'unknown':
      return null;
    default:
      return kind satisfies never;
  }
}

/** The model to ask for. @throws EndpointError where the server does not list the one that is wanted */
export function chooseModel({ models }: LoadedServer, wanted: string): string {
  const [first] = models;
  if (wanted !== '') {
    if (models.length === 0 || models.includes(wanted)) return wanted;
    const names = models.slice(0, 5).join(', ');
    throw new EndpointError(
      'wrong model',
      `The server does not serve “${wanted.slice(0, 80)}”; it lists ${names}: name one of these with --model, or leave it out.`,
    );
  }
  if (first === undefined) {
    throw new EndpointError(
      'wrong model',
      'The server lists no model; name the one to ask for with --model.',
    );
  }
  return first;
}
