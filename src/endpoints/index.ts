/**
 * `kvlab/endpoints`: load on a real inference server over HTTP, what such a server says of itself, and the prediction beside
 * it. Knows no page and no Node: whatever has `fetch` can run it.
 */
export { readEndpoint, withoutSecrets, type Endpoint, type EndpointParts } from './endpoint.ts';
export { EndpointError } from './fault.ts';
export { chooseModel, probe } from './probe.ts';
export { tokenRate } from './token-rate.ts';
export { runLoad, type LoadNews, type LoadOptions, type LoadProgress } from './load.ts';
export { parsePrometheus, type Metrics, type MetricSample } from './prometheus.ts';
export { readTelemetry, scrape, type Scraped } from './telemetry.ts';
export { METRIC_NAMES, TELEMETRY_FIELDS, type TelemetryField } from './names.ts';
export {
  actOnServer,
  actOnSlot,
  resetPrefixCache,
  SERVER_ABILITIES,
  type ActionWish,
  type ServerAbilities,
  type ServerAct,
} from './control.ts';
export { EventStreamReader } from './sse.ts';
export { summarizeLoad, type LoadSummary } from '../core/metrics/load/summary.ts';
export { courseOf, type EndedRequest, type LoadCourse, type LoadTick } from '../core/metrics/load/course.ts';
export { DEFAULT_LOAD } from '../core/scenario/load/defaults.ts';
export { parseLoad, type ParsedLoad } from '../core/scenario/parse.ts';
export { LOAD_PRESETS, presetLoad } from '../core/scenario/presets.ts';
export { loadPoints } from '../core/scenario/load/points.ts';
export { LOAD_APIS, type LoadApi, type LoadScenario } from '../core/scenario/load/schema.ts';
export {
  FAULT_KINDS,
  type FaultKind,
  type LoadedServer,
  type LoadPoint,
  type LoadRecord,
  type LoadRun,
  type Telemetry,
  type WatchRun,
} from '../core/run/load.ts';
export {
  alertsOf,
  ratesOf,
  watchServer,
  type WatchAnswer,
  type WatchOptions,
  type WatchRates,
} from './watch.ts';
export { whyRefused, type LocalAccess, type Refusal, type RefusalKind } from './browser.ts';
