/**
 * The lessons in `scenarios/lessons/`, in the order of the course; the file's name is the lesson's.
 *
 * Boundary: data only. A new lesson is a file there and a line here.
 */
import * as v from 'valibot';
import { issueSentence } from '../sentences.ts';
import { withValueAt } from '../scenario/layer.ts';
import { parseAnyScenario } from '../scenario/parse.ts';
import type { AnyScenario } from '../scenario/kinds.ts';
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

/**
 * The scenario of a lesson, with its one thing changed or as it is.
 * @throws RangeError where the layer does not parse
 */
export function lessonScenario({ name, lesson }: NamedLesson, changed?: Json): AnyScenario {
  const parsed = parseAnyScenario(lesson.scenario);
  if (!parsed.ok) throw new RangeError(`scenarios/lessons/${name}.json: ${parsed.sentence}`);
  if (changed === undefined) return parsed.scenario;
  const again = parseAnyScenario(withValueAt(parsed.scenario, lesson.change.path, changed));
  if (!again.ok)
    throw new RangeError(`scenarios/lessons/${name}.json, ${lesson.change.path}: ${again.sentence}`);
  return again.scenario;
}
