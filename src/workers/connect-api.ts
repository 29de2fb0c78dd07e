/**
 * What the page asks of a server through the worker that talks to servers: only that worker leaves the page's own host, and
 * only to the address that a person gave with the question. Neither address nor key is kept there.
 */
import type { LoadCourse } from '../core/metrics/load/course.ts';
import type { LoadedServer, LoadRun } from '../core/run/load.ts';
import type { LoadScenario } from '../core/scenario/load/schema.ts';
import type { Scraped, ServerAct, WatchAnswer } from '../endpoints/index.ts';
import type { TuneRun } from '../core/run/tune.ts';
import type { TuneScenario } from '../core/scenario/tune/schema.ts';
import type { Outcome } from './api.ts';
import type { OnTuneNews } from './tune-api.ts';

export type { Outcome } from './api.ts';

/** Where a server is, for one question. */
export interface Target {
  readonly url: string;
  readonly key: string | null;
}

export interface LoadProgressNews {
  readonly kind: 'progress';
  /** 0…1; null: not known. */
  readonly fraction: number | null;
  readonly message: string;
}

/** The course of the repetition that goes on, what came since the last news; `begin` starts it anew. */
export interface CourseNewsBatch extends LoadCourse {
  readonly kind: 'course';
  /** The point and whether it is measured or calibrates; null: of the same repetition. */
  readonly begin: { readonly label: string; readonly kept: boolean } | null;
}

export type OnConnectNews = (news: LoadProgressNews | CourseNewsBatch) => void;

export interface WatchWish {
  readonly samples: number;
  readonly intervalSeconds: number;
  /** Of the server, in dollars; null: no price of tokens. */
  readonly pricePerHour: number | null;
}

export type OnWatchNews = (answer: WatchAnswer) => void;

/** One thing to do to a server's cache; slots and files are llama.cpp's. */
export interface ActWish {
  readonly act: ServerAct;
  readonly slot: number;
  /** Under which a slot is saved, in the server's own folder. */
  readonly file: string;
}

export interface ConnectApi {
  probe(target: Target): Promise<Outcome<LoadedServer>>;
  /** @param trace the file that the scenario replays; null where it draws its requests */
  load(
    target: Target,
    scenario: LoadScenario,
    trace: File | null,
    onNews: OnConnectNews,
  ): Promise<Outcome<LoadRun>>;
  watch(target: Target, wish: WatchWish, onNews: OnWatchNews): Promise<Outcome<WatchAnswer>>;
  scrape(target: Target): Promise<Outcome<Scraped>>;
  /** Metrics that were pasted or come from a file. */
  read(text: string): Promise<Outcome<Scraped>>;
  /** What was done, in a sentence. */
  act(target: Target, wish: ActWish): Promise<Outcome<string>>;
  /** Settings that go with each request; see src/tune/executors/endpoint.ts. */
  tune(
    target: Target,
    scenario: TuneScenario,
    resume: TuneRun | null,
    onNews: OnTuneNews,
  ): Promise<Outcome<TuneRun>>;
  /** What goes on resolves with what it has. */
  cancel(): void;
}
