/** What a load tells on its way to the page: words and its course, each a few times a second at most. */
import type { LoadNews } from '../endpoints/index.ts';
import type { EndedRequest, LoadTick } from '../core/metrics/load/course.ts';
import type { Telemetry } from '../core/run/load.ts';
import type { CourseNewsBatch, OnConnectNews } from './connect-api.ts';

const WORDS_EVERY_MS = 100;
const COURSE_EVERY_MS = 400;

export interface BatchedNews {
  readonly progress: (progress: { fraction: number | null; message: string }) => void;
  readonly course: (news: LoadNews) => void;
  /** What is left. */
  readonly flush: () => void;
}

export function batchedNews(onNews: OnConnectNews, now: () => number): BatchedNews {
  let [saidMs, toldMs] = [-Infinity, now()];
  let begin: CourseNewsBatch['begin'] = null;
  let ticks: LoadTick[] = [];
  let requests: EndedRequest[] = [];
  let telemetry: Telemetry[] = [];
  const flush = (): void => {
    if (begin === null && ticks.length + requests.length + telemetry.length === 0) return;
    onNews({ kind: 'course', begin, ticks, requests, telemetry });
    toldMs = now();
    [begin, ticks, requests, telemetry] = [null, [], [], []];
  };
  return {
    progress: ({ fraction, message }) => {
      if (now() < saidMs + WORDS_EVERY_MS) return;
      saidMs = now();
      onNews({ kind: 'progress', fraction, message });
    },
    course: (news) => {
      switch (news.kind) {
        case 'begin':
          flush();
          begin = { label: news.label, kept: news.kept };
          break;
        case 'tick':
          ticks.push(news.tick);
          break;
        case 'request':
          requests.push(news.request);
          break;
        case 'telemetry':
          telemetry.push(news.telemetry);
          break;
        default:
          news satisfies never;
      }
      if (now() >= toldMs + COURSE_EVERY_MS) flush();
    },
    flush,
  };
}
