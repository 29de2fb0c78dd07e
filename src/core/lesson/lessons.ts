/**
 * The lessons in `scenarios/lessons/`, in the order of the course; the file's name is the lesson's.
 *
 * Boundary: data only. A new lesson is a file there and a line here.
 */
import * as v from 'valibot';
import { issueSentence } from '../sentences.ts';
import { withValueAt } from '../scenario/layer.ts';
import { parseAnyScenario } from '../scenario/parse.ts';
import type { ScenarioByKind } from '../scenario/kinds.ts';
import type { Json } from '../json.ts';
import { LESSON_FILES } from './files.ts';
import { Lesson } from './schema.ts';

export interface NamedLesson {
  readonly name: string;
  readonly lesson: Lesson;
}

/** @throws RangeError for a file that is no lesson, with its name and what is wrong. */
function readLesson(name: string, document: unknown): NamedLesson {
  const result = v.safeParse(Lesson, document, { abortEarly: true });
  if (!result.success)
    throw new RangeError(`scenarios/lessons/${name}.json: ${issueSentence(result.issues, 'The lesson')}`);
  return { name, lesson: result.output };
}

export const LESSONS: readonly NamedLesson[] = Object.entries(LESSON_FILES).map(([name, file]) =>
  readLesson(name, file),
);

export function findLesson(name: string): NamedLesson | undefined {
  return LESSONS.find((lesson) => lesson.name === name);
}

/** What a lesson can run. */
export type LessonScenario = ScenarioByKind['lab' | 'simulate'];

function readScenario(document: unknown, where: string): LessonScenario {
  const parsed = parseAnyScenario(document);
  if (!parsed.ok) throw new RangeError(`${where}: ${parsed.sentence}`);
  const { scenario } = parsed;
  if (scenario.kind === 'lab' || scenario.kind === 'simulate') return scenario;
  throw new RangeError(`${where}: a lesson runs an experiment or a simulation, not “${scenario.kind}”.`);
}

/**
 * The scenario of a lesson, with its one thing changed or as it is.
 * @throws RangeError where the layer does not parse
 */
export function lessonScenario({ name, lesson }: NamedLesson, changed?: Json): LessonScenario {
  const file = `scenarios/lessons/${name}.json`;
  const scenario = readScenario(lesson.scenario, file);
  if (changed === undefined) return scenario;
  const { path } = lesson.change;
  return readScenario(withValueAt(scenario, path, changed), `${file}, ${path}`);
}
