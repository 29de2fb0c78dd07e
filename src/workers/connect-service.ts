/** Loads, probes and watches of servers, without the worker around them: one load or watch at a time. */
import type { LoadedServer } from '../core/run/load.ts';
import { parseLoad } from '../core/scenario/parse.ts';
import {
  actOnServer,
  EndpointError,
  probe,
  readEndpoint,
  readTelemetry,
  runLoad,
  scrape,
  watchServer,
  whyRefused,
  type Endpoint,
} from '../endpoints/index.ts';
import type { ConnectApi, Target } from './connect-api.ts';
import { batchedNews } from './connect-news.ts';
import { outcomeOf } from './outcome.ts';
import { TraceCache } from './trace-file.ts';

export interface ConnectPlatform {
  /** Of the page, which a server may or may not let ask. */
  readonly origin: string;
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly date: () => string;
  readonly newId: () => string;
  readonly appVersion: string;
  /** What sends: the browser with its version. */
  readonly client: () => Promise<string>;
  /** What the page was told of the local network; null where the browser does not guard it. */
  readonly localAccess: () => Promise<'granted' | 'denied' | 'prompt' | null>;
}

/** What browsers open to one host over HTTP/1.1; over https most servers take all streams on one connection. */
const HTTP_CONNECTIONS = 6;

function connectionsOf({ root }: Endpoint): { readonly connections?: number } {
  return root.startsWith('http:') ? { connections: HTTP_CONNECTIONS } : {};
}

/** A question that a browser refused, with which of its reasons it was. */
export class RefusedError extends Error {
  readonly code = 'refused';
  readonly kind: string;

  constructor(kind: string, sentence: string) {
    super(sentence);
    this.name = 'RefusedError';
    this.kind = kind;
  }
}

export function createConnectService(platform: ConnectPlatform): ConnectApi {
  const traces = new TraceCache();
  let running: AbortController | null = null;

  const endpointOf = ({ url, key }: Target): Endpoint => {
    const read = readEndpoint({ url, key, fetch: platform.fetch, now: platform.now });
    if (!read.ok) throw new EndpointError('bad request', read.sentence);
    return read.endpoint;
  };

  /** The work on a server; where the browser forbids it, which of its rules it was. */
  const asked = async <T>(target: Target, work: (endpoint: Endpoint) => Promise<T>): Promise<T> => {
    const endpoint = endpointOf(target);
    try {
      return await work(endpoint);
    } catch (error) {
      if (!(error instanceof EndpointError)) throw error;
      if (error.kind === 'cancelled') throw new DOMException(error.message, 'AbortError');
      if (error.kind !== 'unreachable') throw error;
      const { kind, sentence } = await whyRefused(endpoint, platform.origin, error, platform.localAccess);
      throw new RefusedError(kind, sentence);
    }
  };

  /** One load or watch at a time, which a cancel ends. */
  const alone = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    running?.abort();
    const own = (running = new AbortController());
    try {
      return await work(own.signal);
    } finally {
      if (running === own) running = null;
    }
  };

  const stamp = () => ({
    id: platform.newId(),
    createdAt: platform.date(),
    appVersion: platform.appVersion,
  });

  return {
    probe: (target) => outcomeOf((): Promise<LoadedServer> => asked(target, probe)),
    load: (target, wish, file, onNews) =>
      outcomeOf(() =>
        alone(async (signal) => {
          const parsed = parseLoad(wish);
          if (!parsed.ok) throw new EndpointError('bad request', parsed.sentence);
          const { scenario } = parsed;
          const { trace: wanted } = scenario.workload;
          if (wanted !== null && file === null) {
            throw new EndpointError(
              'bad request',
              `This load replays the trace ${wanted.name}, which is not part of the page; give its file.`,
            );
          }
          const trace = wanted === null || file === null ? null : await traces.read(file);
          const client = await platform.client();
          const news = batchedNews(onNews, platform.now);
          return asked(target, async (endpoint) => {
            const run = await runLoad(scenario, endpoint, {
              signal,
              trace,
              ...connectionsOf(endpoint),
              stamp: { ...stamp(), command: null, client: client.slice(0, 300) },
              onProgress: news.progress,
              onCourse: news.course,
            });
            news.flush();
            return run;
          });
        }),
      ),
    watch: (target, wish, onNews) =>
      outcomeOf(() =>
        alone((signal) =>
          asked(target, (endpoint) =>
            watchServer(endpoint, { ...wish, signal, stamp: stamp(), onAnswer: onNews }),
          ),
        ),
      ),
    scrape: (target) => outcomeOf(() => asked(target, scrape)),
    read: (text) => outcomeOf(async () => readTelemetry(text)),
    act: (target, wish) =>
      outcomeOf(() => asked(target, async (endpoint) => actOnServer(endpoint, await probe(endpoint), wish))),
    tune: (target, scenario, resume, onNews) =>
      outcomeOf(() =>
        alone((signal) =>
          asked(target, async (endpoint) => {
            // With the search: the room does without it until somebody tunes.
            const { tuneOnServer } = await import('./connect-tune.ts');
            const client = await platform.client();
            const bound = connectionsOf(endpoint);
            return tuneOnServer({
              endpoint,
              scenario,
              resume,
              onNews,
              signal,
              client,
              bound,
              stamp: stamp(),
              now: platform.now,
            });
          }),
        ),
      ),
    cancel: () => running?.abort(),
  };
}
