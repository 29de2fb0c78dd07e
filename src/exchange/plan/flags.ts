/**
 * What the engines accept: one table an engine, JSON with the source that each was read from, and the check that an
 * argument is in it. A renderer's arguments pass through `accepted`, so nothing that an engine would refuse leaves here.
 *
 * Boundary: names, values and bounds of the flags that plans set. Which of them go together is the renderers' knowledge.
 */
import * as v from 'valibot';

const bound = v.optional(v.number());

const Flag = v.variant('kind', [
  /** Takes no value. */
  v.strictObject({ kind: v.literal('switch') }),
  v.strictObject({ kind: v.literal('boolean') }),
  v.strictObject({ kind: v.literal('choice'), values: v.pipe(v.array(v.string()), v.minLength(1)) }),
  v.strictObject({ kind: v.literal('integer'), min: bound, max: bound }),
  v.strictObject({ kind: v.literal('number'), min: bound, max: bound }),
  v.strictObject({ kind: v.literal('text') }),
  v.strictObject({ kind: v.literal('json') }),
]);
export type Flag = v.InferOutput<typeof Flag>;

export const FlagTable = v.strictObject({
  engine: v.string(),
  /** Of the engine, in words. */
  version: v.string(),
  /** Files that the table was read from: repository, path, commit. */
  sources: v.pipe(v.array(v.pipe(v.string(), v.minLength(10))), v.minLength(1)),
  flags: v.record(v.string(), Flag),
});
export type FlagTable = v.InferOutput<typeof FlagTable>;

export type ArgumentValue = string | number | boolean;
/** A flag and its value; switches have none. */
export type Argument = readonly [flag: string, value?: ArgumentValue];

/** One sentence for the first argument that the engine would refuse; null: it accepts all of them. */
export function refusedArgument(table: FlagTable, args: readonly Argument[]): string | null {
  for (const [name, value] of args) {
    const flag = table.flags[name];
    if (flag === undefined) return `${table.engine} has no ${name}.`;
    const wrong = refusedValue(flag, value);
    if (wrong !== null) return `${table.engine} refuses ${name} ${value ?? ''}: ${wrong}.`;
  }
  return null;
}

/** The arguments, every one of which the engine accepts. @throws Error where one is not: the renderer is wrong */
export function accepted(table: FlagTable, args: readonly Argument[]): readonly Argument[] {
  const refused = refusedArgument(table, args);
  if (refused !== null) throw new Error(refused);
  return args;
}

/** Why a value is refused, in words without a subject. */
function refusedValue(flag: Flag, value: ArgumentValue | undefined): string | null {
  if (flag.kind === 'switch') return value === undefined ? null : 'it takes no value';
  if (value === undefined) return 'it needs a value';
  switch (flag.kind) {
    case 'choice':
      return flag.values.includes(String(value)) ? null : `choose one of ${flag.values.join(', ')}`;
    case 'integer':
      return Number.isInteger(value) ? outside(Number(value), flag) : 'a whole number is needed';
    case 'number':
      return typeof value === 'number' && Number.isFinite(value)
        ? outside(value, flag)
        : 'a number is needed';
    case 'json':
      return isJson(String(value)) ? null : 'JSON is needed';
    case 'boolean':
      return typeof value === 'boolean' ? null : 'true or false is needed';
    case 'text':
      return String(value) === '' ? 'a text is needed' : null;
    default:
      flag satisfies never;
      return null;
  }
}

function outside(
  value: number,
  { min, max }: { min?: number | undefined; max?: number | undefined },
): string | null {
  if (min !== undefined && value < min) return `the least is ${min}`;
  return max !== undefined && value > max ? `the most is ${max}` : null;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Of a list of sizes that an engine has, the largest that is not above the wish; the smallest where all are. */
export function nearestAtMost(sizes: readonly number[], wish: number): number {
  const below = sizes.filter((size) => size <= wish);
  return below.length > 0 ? Math.max(...below) : Math.min(...sizes);
}

/** The values of a choice flag as numbers. */
export function numericChoices(table: FlagTable, name: string): number[] {
  const flag = table.flags[name];
  return flag?.kind === 'choice' ? flag.values.map(Number).filter(Number.isFinite) : [];
}

/** Leaves of a settings document as arguments: `kv_cache_config.dtype` and its value. Lists stand as a whole. */
export function documentArguments(document: Readonly<Record<string, unknown>>, prefix = ''): Argument[] {
  return Object.entries(document).flatMap(([name, value]): Argument[] => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return documentArguments({ ...value }, path);
    }
    if (Array.isArray(value)) return [[path, JSON.stringify(value)]];
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? [[path, value]]
      : [];
  });
}
