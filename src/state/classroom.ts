/** The lessons that were opened: what was predicted and answered stays while one looks at another. */
import type { NamedLesson } from '../core/lesson/lessons.ts';
import { NO_INPUTS } from '../workers/sim-api.ts';
import type { FetchText } from './demo.svelte.ts';
import type { ReadsRuns } from './desk-port.ts';
import type { LabSession } from './lab.svelte.ts';
import { LessonSession, type LessonPorts } from './lesson-session.svelte.ts';
import { SimSession, type KnowsKeptRuns, type SimPort } from './sim-session.svelte.ts';

/** What the lessons need of the page. */
export interface ClassroomPorts extends ReadsRuns {
  readonly gpu: { readonly usable: boolean };
  readonly lab: LabSession;
  readonly library: KnowsKeptRuns;
  readonly fetchText: FetchText;
}

export class Classroom {
  readonly #ports: LessonPorts;
  readonly #sessions = new Map<string, LessonSession>();

  constructor(app: ClassroomPorts, client: SimPort) {
    const session = new SimSession(client, app.library);
    const { lab } = app;
    this.#ports = {
      simulate: {
        get progress() {
          return session.task.progress;
        },
        get fault() {
          return session.task.fault;
        },
        start: (scenario) => session.start(scenario, NO_INPUTS),
        cancel: () => session.cancel(),
      },
      measure: {
        get progress() {
          return lab.progress;
        },
        get fault() {
          return lab.fault;
        },
        start: async (scenario) => {
          await lab.start(scenario);
          return lab.run;
        },
        cancel: () => void lab.cancel(),
      },
      hasGpu: () => app.gpu.usable,
      fetchText: (path) => app.fetchText(path),
      desk: { readRun: (text) => app.readRun(text) },
    };
  }

  lesson(named: NamedLesson): LessonSession {
    const known = this.#sessions.get(named.name);
    if (known) return known;
    const session = new LessonSession(named, this.#ports);
    this.#sessions.set(named.name, session);
    return session;
  }

  isDone(name: string): boolean {
    return this.#sessions.get(name)?.first?.answer !== undefined;
  }
}
