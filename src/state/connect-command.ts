/** The command line that does what the page is about to do: without a browser, so without a browser's rules. */
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { diffLayer, valueAt } from '../core/scenario/layer.ts';
import type { LoadScenario } from '../core/scenario/load/schema.ts';

const RUN = 'npm run kvlab --';
/** What stands for a server whose address is not typed yet. */
const ANY = 'http://HOST:PORT';

/** As one word of a shell. */
function quoted(word: string): string {
  return /^[\w./:@=,+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The key goes by the environment, so that no history and no list of processes has it. */
function withKey(command: string, key: string): string {
  return key === '' ? command : `KVLAB_ENDPOINT_KEY=… ${command}`;
}

function addressOf(url: string): string {
  return quoted(url.trim() === '' ? ANY : url.trim());
}

/** Settings that make `scenario` out of `base`, as `path=value`; what has kinds is set whole. */
function assignments(base: JsonObject, scenario: JsonObject): string[] {
  const found: string[] = [];
  const walk = (difference: JsonObject, above: string): void => {
    for (const [name, part] of Object.entries(difference)) {
      const path = above === '' ? name : `${above}.${name}`;
      const below = valueAt(base, path);
      const now: Json = valueAt(scenario, path) ?? null;
      const deeper = isJsonObject(part) && isJsonObject(below) && isJsonObject(now) && !('kind' in now);
      if (deeper) walk(part, path);
      else found.push(`${path}=${typeof now === 'string' ? now : JSON.stringify(now)}`);
    }
  };
  walk(diffLayer(base, scenario), '');
  return found.filter((text) => !/^(title|about|api|model)=/.test(text));
}

export interface LoadCommand {
  readonly scenario: LoadScenario;
  /** The story that it began with, and what that is; null: the defaults. */
  readonly story: { readonly name: string; readonly scenario: LoadScenario } | null;
  readonly defaults: LoadScenario;
  readonly url: string;
  readonly key: string;
}

export function loadCommand({ scenario, story, defaults, url, key }: LoadCommand): string {
  const file = story === null ? 'default' : `scenarios/${story.name}.json`;
  const { trace } = scenario.workload;
  const base = story?.scenario ?? defaults;
  const set = assignments(base, scenario).filter((text) => !text.startsWith('workload.trace'));
  const parts = [
    `${RUN} load ${file} --endpoint ${addressOf(url)}`,
    ...(scenario.api === base.api ? [] : [`--api ${scenario.api}`]),
    ...(scenario.model === '' ? [] : [`--model ${quoted(scenario.model)}`]),
    ...(trace === null ? [] : [`--trace ${quoted(trace.name)}`]),
    ...set.map((text) => `--set ${quoted(text)}`),
  ];
  return withKey(parts.join(' '), key);
}

export function watchCommand(
  url: string,
  key: string,
  wish: { readonly samples: number; readonly intervalSeconds: number; readonly pricePerHour: number | null },
): string {
  const price = wish.pricePerHour === null ? '' : ` --price ${wish.pricePerHour}`;
  return withKey(
    `${RUN} watch ${addressOf(url)} --samples ${wish.samples} --interval ${wish.intervalSeconds}${price}`,
    key,
  );
}
