/**
 * Runs in IndexedDB: kept, listed, searched, renamed, deleted, carried out and in.
 *
 * Two object stores, so that a list never loads raw samples: `entries` (what a list shows) and `runs` (the documents).
 * Every document passes `parseRunLazily` when it is read, so old ones are migrated then. Errors are
 * `StoreError`s whose message is one sentence.
 */
import { deleteDB, openDB, type DBSchema, type IDBPDatabase, type IDBPObjectStore } from 'idb';
import { isJsonObject, readJson, type Json } from '../core/json.ts';
import { RUN_BOUNDS } from '../core/run/document.ts';
import { parseRunLazily } from '../core/run/parse-lazily.ts';
import type { PlanRun, Run, SimRun } from '../core/run/schema.ts';

/** What a list shows of a run. */
export interface RunEntry {
  readonly id: string;
  readonly kind: Run['kind'];
  readonly title: string;
  readonly createdAt: string;
  /** Adapter as its driver names it. */
  readonly device: string;
  readonly complete: boolean;
  /** Points of a sweep, measurements of a check, rows of a tuning or of a plan. */
  readonly points: number;
  /** Size of the document as JSON text, in characters. */
  readonly characters: number;
}

export interface Imported {
  readonly added: number;
  /** One sentence for each document that was refused. */
  readonly refused: readonly string[];
}

export type StoreFault = 'quota' | 'blocked' | 'unavailable' | 'missing' | 'invalid';

export class StoreError extends Error {
  readonly code: StoreFault;

  constructor(code: StoreFault, sentence: string) {
    super(sentence);
    this.name = 'StoreError';
    this.code = code;
  }
}

export interface RunStore {
  /** Newest first. */
  list(): Promise<readonly RunEntry[]>;
  /** Entries whose title, device, kind or date holds every word. */
  search(words: string): Promise<readonly RunEntry[]>;
  get(id: string): Promise<Run | null>;
  /** Adds a run or replaces the one of the same id. */
  put(run: Run): Promise<void>;
  rename(id: string, title: string): Promise<void>;
  remove(id: string): Promise<void>;
  removeAll(): Promise<void>;
  /** Everything, as one JSON text that `importText` reads. */
  exportAll(): Promise<string>;
  /** One run, or an export of everything. Runs that are here already are kept as they are here. */
  importText(text: string): Promise<Imported>;
  close(): void;
}

interface Schema extends DBSchema {
  entries: { key: string; value: RunEntry; indexes: { createdAt: string } };
  runs: { key: string; value: unknown };
}

export const DATABASE_NAME = 'kvlab';
const DATABASE_VERSION = 1;
export const EXPORT_FORMAT = 'kvlab-runs';
const EXPORT_VERSION = 1;
const MAX_TITLE = 120;

/** One function a database version; each brings the one before it up by one. Never changed once released. */
const UPGRADES: readonly ((db: IDBPDatabase<Schema>) => void)[] = [
  (db) => {
    db.createObjectStore('entries', { keyPath: 'id' }).createIndex('createdAt', 'createdAt');
    db.createObjectStore('runs');
  },
];

function deviceOf(run: Run): string {
  if (run.kind === 'simulate') return simulatedDevice(run);
  if (run.kind === 'plan') return plannedDevice(run);
  if (run.kind === 'load') return `${run.model} on a ${run.server.kind} server`;
  if (run.kind === 'watch') return `a ${run.server} server`;
  if (run.kind === 'imported') return `${run.points[0]?.model ?? 'a server'}, as ${run.tool} measured it`;
  const { environment } = run;
  if (environment === null) return 'simulated';
  const { adapter } = environment;
  const named = [adapter.device, adapter.description, `${adapter.vendor} ${adapter.architecture}`];
  return named.map((text) => text.trim()).find((text) => text !== '') ?? 'unknown adapter';
}

/** What was simulated: "Llama-3.1-8B on 2 × h100-sxm, simulated". */
function simulatedDevice({ scenario: { model, hardware } }: SimRun): string {
  const gpus = hardware.tensorParallel * hardware.pipelineParallel;
  return `${model} on ${gpus > 1 ? `${gpus} × ` : ''}${hardware.gpu}, simulated`;
}

/** What was planned: "Llama-3.1-8B on 2 × H100 SXM, planned". */
function plannedDevice({ deployment, scenario }: PlanRun): string {
  if (deployment === null) return `${scenario.model}, planned`;
  const { model, gpus, gpuName } = deployment.choice;
  return `${model} on ${gpus > 1 ? `${gpus} × ` : ''}${gpuName}, planned`;
}

function pointsOf(run: Run): number {
  if (run.kind === 'check') return run.measurements.length;
  if (run.kind === 'watch') return run.samples.length;
  if (run.kind === 'autopilot') return run.plans.length;
  return run.kind === 'tune' || run.kind === 'plan' ? run.rows.length : run.points.length;
}

export function entryOf(run: Run): RunEntry {
  return {
    id: run.id,
    kind: run.kind,
    title: run.title,
    createdAt: run.createdAt,
    device: deviceOf(run),
    complete: run.complete,
    points: pointsOf(run),
    characters: JSON.stringify(run).length,
  };
}

function nameOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'name' in error ? String(error.name) : '';
}

/** Our error for whatever IndexedDB threw. */
function storeError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  if (nameOf(error) === 'QuotaExceededError') {
    return new StoreError(
      'quota',
      'This browser’s storage is full; delete old runs or export and remove them, then try again.',
    );
  }
  if (nameOf(error) === 'VersionError') {
    return new StoreError(
      'blocked',
      'A newer KV Lab has used this storage; reload the page to get that version.',
    );
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new StoreError(
    'unavailable',
    `Runs can’t be kept in this browser (${reason}); export those you need as files.`,
  );
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storeError(error);
  }
}

function matches(entry: RunEntry, words: readonly string[]): boolean {
  const text = `${entry.title} ${entry.device} ${entry.kind} ${entry.createdAt}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Documents of an import: one run, or the list of an export. */
function documentsOf(text: string): readonly Json[] {
  const read = readJson(text, { ...RUN_BOUNDS, what: 'file', maxCharacters: 500_000_000 });
  if (!read.ok) throw new StoreError('invalid', read.sentence);
  const { value } = read;
  if (!isJsonObject(value) || value['format'] !== EXPORT_FORMAT) return [value];
  if (value['version'] !== EXPORT_VERSION) {
    const sentence = `This export has version ${String(value['version'])}; ${EXPORT_VERSION} is read here: update KV Lab.`;
    throw new StoreError('invalid', sentence);
  }
  const runs = value['runs'];
  if (!Array.isArray(runs))
    throw new StoreError('invalid', 'This export holds no list of runs; export it again.');
  return runs;
}

type Writable<Name extends 'entries' | 'runs'> = IDBPObjectStore<
  Schema,
  ['entries', 'runs'],
  Name,
  'readwrite'
>;

/** Changes both stores in one transaction, so that a full disk leaves neither half of a run. */
async function changed(
  db: IDBPDatabase<Schema>,
  change: (runs: Writable<'runs'>, entries: Writable<'entries'>) => readonly (() => Promise<unknown>)[],
): Promise<void> {
  const transaction = db.transaction(['entries', 'runs'], 'readwrite');
  transaction.done.catch(() => undefined);
  try {
    for (const request of change(transaction.objectStore('runs'), transaction.objectStore('entries')))
      await request();
    await transaction.done;
  } catch (error) {
    // A full disk aborts the requests first (AbortError); the transaction knows why.
    const reason: unknown = transaction.error ?? error;
    if (nameOf(reason) !== 'AbortError') tryAbort(transaction);
    throw reason;
  }
}

function tryAbort(transaction: { abort(): void }): void {
  try {
    transaction.abort();
  } catch {
    // It was finished already.
  }
}

async function openDatabase(name: string): Promise<IDBPDatabase<Schema>> {
  if (typeof indexedDB === 'undefined') {
    throw new StoreError(
      'unavailable',
      'This browser keeps no data for this page; export the runs you need as files.',
    );
  }
  return openDB<Schema>(name, DATABASE_VERSION, {
    upgrade: (db, from) => UPGRADES.slice(from).forEach((upgrade) => upgrade(db)),
    // A newer tab wants to upgrade: let go, so that it is not blocked by this one.
    blocking: (_current, _blocked, event) => {
      const { target } = event;
      if (target && 'close' in target && typeof target.close === 'function') target.close();
    },
  });
}

/** Opens the store. @throws StoreError where the browser has none. */
export async function openRunStore(name = DATABASE_NAME): Promise<RunStore> {
  let db = await guarded(() => openDatabase(name));
  let open = true;
  db.addEventListener('close', () => (open = false));

  /** The database, opened again after a newer tab or the browser closed it. */
  const database = async () => {
    if (open) return db;
    db = await openDatabase(name);
    open = true;
    return db;
  };

  const write = async (run: Run): Promise<void> => {
    await changed(await database(), (runs, entries) => [
      () => runs.put(run, run.id),
      () => entries.put(entryOf(run)),
    ]);
  };
  const list = async (): Promise<readonly RunEntry[]> => {
    const entries = await (await database()).getAllFromIndex('entries', 'createdAt');
    return entries.reverse();
  };
  const get = async (id: string): Promise<Run | null> => {
    const document = await (await database()).get('runs', id);
    if (document === undefined) return null;
    const parsed = await parseRunLazily(document);
    if (!parsed.ok) throw new StoreError('invalid', `The run “${id}” can’t be read: ${parsed.sentence}`);
    return parsed.run;
  };
  const rename = async (id: string, title: string): Promise<void> => {
    const clean = title.trim().slice(0, MAX_TITLE);
    if (clean === '') throw new StoreError('invalid', 'The title is empty; give the run a name.');
    const run = await get(id);
    if (run === null)
      throw new StoreError('missing', 'This run is no longer here; another tab may have deleted it.');
    await write({ ...run, title: clean });
  };
  const clear = async (ids: readonly string[]): Promise<void> => {
    await changed(await database(), (runs, entries) =>
      ids.flatMap((id) => [() => runs.delete(id), () => entries.delete(id)]),
    );
  };
  const exportAll = async (): Promise<string> => {
    const runs = await (await database()).getAll('runs');
    return JSON.stringify({ format: EXPORT_FORMAT, version: EXPORT_VERSION, runs });
  };
  const importText = async (text: string): Promise<Imported> => {
    const refused: string[] = [];
    let added = 0;
    for (const document of documentsOf(text)) {
      const parsed = await parseRunLazily(document);
      if (!parsed.ok) refused.push(parsed.sentence);
      else if ((await (await database()).getKey('runs', parsed.run.id)) !== undefined) {
        refused.push(`“${parsed.run.title}” is here already; it was left as it is.`);
      } else {
        await write(parsed.run);
        added += 1;
      }
    }
    return { added, refused };
  };

  return {
    list: () => guarded(list),
    search: (words) =>
      guarded(async () => {
        const wanted = words
          .toLowerCase()
          .split(/\s+/)
          .filter((word) => word !== '');
        return (await list()).filter((entry) => matches(entry, wanted));
      }),
    get: (id) => guarded(() => get(id)),
    put: (run) => guarded(() => write(run)),
    rename: (id, title) => guarded(() => rename(id, title)),
    remove: (id) => guarded(() => clear([id])),
    removeAll: () => guarded(async () => clear((await list()).map(({ id }) => id))),
    exportAll: () => guarded(exportAll),
    importText: (text) => guarded(() => importText(text)),
    close: () => {
      open = false;
      db.close();
    },
  };
}

/** Deletes the whole database: for tests and for 'delete everything'. */
export function deleteRunStore(name = DATABASE_NAME): Promise<void> {
  return guarded(() => deleteDB(name));
}
