/**
 * Addresses of the page. Everything lives after the `#`, so that the built folder works from any static host and
 * sub-path, and so that nothing of a link ever reaches a server.
 *
 *   #/                      first screen
 *   #/check                 hardware check       #c1.…  a shared card (core/scenario/link.ts)
 *   #/lab                   the lab              #s1.…  a shared scenario
 *   #/simulate/VIEW         the simulator; VIEW one of SIM_VIEWS, the first without a name.
 *                           #/simulate?link=s1.…  a shared simulation; #/simulate/compare?link=…&with=…  two
 *                           #/simulate?story=NAME&seed=N  a preset and the seed
 *   #/model/VIEW            a real model; VIEW one of MODEL_VIEWS, the first without a name
 *   #/plan/VIEW             the planner; VIEW one of PLAN_VIEWS, the first without a name.
 *                           #/plan?link=s1.…  a shared plan; #/plan/compare?link=…&with=…  two; #/plan?story=NAME
 *   #/tune                  the tuner            #/tune?link=s1.…  shared settings; #/tune?story=NAME
 *   #/autopilot/VIEW        the autopilot; VIEW one of AUTOPILOT_VIEWS, the first without a name.
 *                           #/autopilot?link=s1.…  a shared one; #/autopilot?story=NAME
 *   #/connect/VIEW          a real server; VIEW one of CONNECT_VIEWS, the first without a name. No address of a server is ever in it.
 *                           #/connect?link=s1.…  a shared load; #/connect?story=NAME
 *   #/explain               the worked example
 *   #/teach/LESSON          the lessons, or one    #/teach/LESSON?embed  alone, for a slide or a course page
 *   #/runs                  kept runs            #/runs/ID?with=ID   one run, perhaps beside another
 *   #/about
 */
/** What the room Simulate shows: its own views, and those drawn by views/simulate/blocks. */
export const SIM_VIEWS = ['run', 'compare', 'blocks', 'accesses', 'replay'] as const;
export type SimView = (typeof SIM_VIEWS)[number];

export interface SimRoute {
  readonly room: 'simulate';
  readonly view: SimView;
  /** A shared simulation. */
  readonly link: string | null;
  /** The other side of an A/B link. */
  readonly other: string | null;
  /** Preset that the address names. */
  readonly story: string | null;
  /** Seed that the address names; null: the scenario's own. */
  readonly seed: number | null;
}

/** What the room Model shows: the prompt box, and the laboratories that work with the loaded model. */
export const MODEL_VIEWS = ['run', 'quality', 'serving', 'move'] as const;
export type ModelView = (typeof MODEL_VIEWS)[number];

/** What the room Plan shows: the answer, two plans side by side, a plan beside what was measured of it. */
export const PLAN_VIEWS = ['answer', 'compare', 'measured'] as const;
export type PlanView = (typeof PLAN_VIEWS)[number];

export interface PlanRoute {
  readonly room: 'plan';
  readonly view: PlanView;
  /** A shared plan, and the other side of two. */
  readonly link: string | null;
  readonly other: string | null;
  /** Preset that the address names. */
  readonly story: string | null;
}

/** The planner's first view, as it was left. */
export const PLAN: PlanRoute = { room: 'plan', view: 'answer', link: null, other: null, story: null };

export interface TuneRoute {
  readonly room: 'tune';
  readonly link: string | null;
  readonly story: string | null;
}

export const TUNE: TuneRoute = { room: 'tune', link: null, story: null };

/** What the room Autopilot shows: the steered cache, the same actions by hand, and scores of eviction compared. */
export const AUTOPILOT_VIEWS = ['steer', 'hand', 'score'] as const;
export type AutopilotView = (typeof AUTOPILOT_VIEWS)[number];

export interface AutopilotRoute {
  readonly room: 'autopilot';
  readonly view: AutopilotView;
  readonly link: string | null;
  readonly story: string | null;
}

export const AUTOPILOT: AutopilotRoute = { room: 'autopilot', view: 'steer', link: null, story: null };

/** What the room Connect shows: a load on a server, what the server says of itself, what can be done to it. */
export const CONNECT_VIEWS = ['load', 'watch', 'act'] as const;
export type ConnectView = (typeof CONNECT_VIEWS)[number];

export interface ConnectRoute {
  readonly room: 'connect';
  readonly view: ConnectView;
  readonly link: string | null;
  readonly story: string | null;
}

export const CONNECT: ConnectRoute = { room: 'connect', view: 'load', link: null, story: null };

export type Route =
  | { readonly room: 'home' }
  | { readonly room: 'check'; readonly card: string | null }
  | { readonly room: 'lab'; readonly link: string | null }
  | SimRoute
  /** `link`: the scenario for the view, as it came. */
  | { readonly room: 'model'; readonly view: ModelView; readonly link: string | null }
  | PlanRoute
  | TuneRoute
  | ConnectRoute
  | AutopilotRoute
  | { readonly room: 'explain' }
  /** `lesson` null: the list. */
  | { readonly room: 'teach'; readonly lesson: string | null; readonly embed: boolean }
  | { readonly room: 'runs' }
  | { readonly room: 'run'; readonly id: string; readonly other: string | null }
  | { readonly room: 'about' }
  | { readonly room: 'unknown'; readonly path: string };

export type Room = Route['room'];

/** Id under which the run that ships with the page is opened; it is read from its file, never stored. */
export const DEMO_ID = 'demo';

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parameter(query: string, name: string): string | null {
  const found = query.split('&').find((part) => part.startsWith(`${name}=`));
  return found === undefined ? null : decode(found.slice(name.length + 1));
}

/** The simulator's first view, as it was left. */
export const SIMULATE: SimRoute = {
  room: 'simulate',
  view: 'run',
  link: null,
  other: null,
  story: null,
  seed: null,
};

const MAX_SEED = 4_294_967_295;

function seedOf(query: string): number | null {
  const seed = Number(parameter(query, 'seed') ?? Number.NaN);
  return Number.isInteger(seed) && seed >= 0 && seed <= MAX_SEED ? seed : null;
}

function simRoute(name: string, query: string): SimRoute | null {
  const view = name === '' ? 'run' : SIM_VIEWS.find((known) => known === name);
  if (view === undefined) return null;
  const [link, story] = [parameter(query, 'link'), parameter(query, 'story')];
  return { ...SIMULATE, view, link, other: parameter(query, 'with'), story, seed: seedOf(query) };
}

/** `?name=value&…` of what is there; nothing where nothing is. */
function queryOf(values: Readonly<Record<string, string | number | null>>): string {
  const query = Object.entries(values).flatMap(([name, value]) =>
    value === null ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return query.length === 0 ? '' : `?${query.join('&')}`;
}

function simHash({ view, link, other, story, seed }: SimRoute): string {
  return `#/simulate${view === 'run' ? '' : `/${view}`}${queryOf({ link, with: other, story, seed })}`;
}

function planRoute(name: string, query: string): PlanRoute | null {
  const view = name === '' ? 'answer' : PLAN_VIEWS.find((known) => known === name);
  if (view === undefined) return null;
  const [link, story] = [parameter(query, 'link'), parameter(query, 'story')];
  return { room: 'plan', view, link, other: parameter(query, 'with'), story };
}

function planHash({ view, link, other, story }: PlanRoute): string {
  return `#/plan${view === 'answer' ? '' : `/${view}`}${queryOf({ link, with: other, story })}`;
}

function autopilotRoute(name: string, query: string): AutopilotRoute | null {
  const view = name === '' ? 'steer' : AUTOPILOT_VIEWS.find((known) => known === name);
  if (view === undefined) return null;
  return { room: 'autopilot', view, link: parameter(query, 'link'), story: parameter(query, 'story') };
}

function autopilotHash({ view, link, story }: AutopilotRoute): string {
  return `#/autopilot${view === 'steer' ? '' : `/${view}`}${queryOf({ link, story })}`;
}

function connectRoute(name: string, query: string): ConnectRoute | null {
  const view = name === '' ? 'load' : CONNECT_VIEWS.find((known) => known === name);
  if (view === undefined) return null;
  return { room: 'connect', view, link: parameter(query, 'link'), story: parameter(query, 'story') };
}

function connectHash({ view, link, story }: ConnectRoute): string {
  return `#/connect${view === 'load' ? '' : `/${view}`}${queryOf({ link, story })}`;
}

/** Every hash has a route; what no room answers to is `unknown`. */
export function parseRoute(hash: string): Route {
  const whole = hash.replace(/^#/, '');
  // Whatever is no path is taken for a link: its decoder says in one sentence what is wrong with it.
  if (whole !== '' && !whole.startsWith('/')) {
    return whole.startsWith('c') ? { room: 'check', card: whole } : { room: 'lab', link: whole };
  }
  const text = whole.slice(1);
  const cut = text.indexOf('?');
  const path = cut < 0 ? text : text.slice(0, cut);
  const query = cut < 0 ? '' : text.slice(cut + 1);
  const [room = '', id = '', ...rest] = path.split('/');
  const leaf = id === '' && rest.length === 0;
  if (room === '' && leaf) return { room: 'home' };
  if (room === 'check' && leaf) return { room: 'check', card: null };
  if (room === 'lab' && leaf) return { room: 'lab', link: null };
  if (room === 'simulate' && rest.length === 0) {
    const found = simRoute(id, query);
    if (found !== null) return found;
  }
  if (room === 'model' && rest.length === 0) {
    const view = id === '' ? 'run' : MODEL_VIEWS.find((known) => known === id);
    if (view !== undefined) return { room: 'model', view, link: parameter(query, 'link') };
  }
  if (room === 'plan' && rest.length === 0) {
    const found = planRoute(id, query);
    if (found !== null) return found;
  }
  if (room === 'tune' && leaf) {
    return { room: 'tune', link: parameter(query, 'link'), story: parameter(query, 'story') };
  }
  if (room === 'autopilot' && rest.length === 0) {
    const found = autopilotRoute(id, query);
    if (found !== null) return found;
  }
  if (room === 'connect' && rest.length === 0) {
    const found = connectRoute(id, query);
    if (found !== null) return found;
  }
  if (room === 'explain' && leaf) return { room: 'explain' };
  if (room === 'teach' && rest.length === 0) {
    return {
      room: 'teach',
      lesson: id === '' ? null : decode(id),
      embed: query.split('&').includes('embed'),
    };
  }
  if (room === 'runs' && leaf) return { room: 'runs' };
  if (room === 'runs' && rest.length === 0) {
    return { room: 'run', id: decode(id), other: parameter(query, 'with') };
  }
  if (room === 'about' && leaf) return { room: 'about' };
  return { room: 'unknown', path: path.slice(0, 80) };
}

export function formatRoute(route: Route): string {
  switch (route.room) {
    case 'home':
      return '#/';
    case 'check':
      return route.card === null ? '#/check' : `#${route.card}`;
    case 'lab':
      return route.link === null ? '#/lab' : `#${route.link}`;
    case 'simulate':
      return simHash(route);
    case 'model':
      return `#/model${route.view === 'run' ? '' : `/${route.view}`}${queryOf({ link: route.link })}`;
    case 'plan':
      return planHash(route);
    case 'tune':
      return `#/tune${queryOf({ link: route.link, story: route.story })}`;
    case 'autopilot':
      return autopilotHash(route);
    case 'connect':
      return connectHash(route);
    case 'explain':
      return '#/explain';
    case 'teach':
      return `#/teach${route.lesson === null ? '' : `/${encodeURIComponent(route.lesson)}`}${route.embed ? '?embed' : ''}`;
    case 'runs':
      return '#/runs';
    case 'run': {
      const other = route.other === null ? '' : `?with=${encodeURIComponent(route.other)}`;
      return `#/runs/${encodeURIComponent(route.id)}${other}`;
    }
    case 'about':
      return '#/about';
    case 'unknown':
      return '#/';
    default:
      return route satisfies never;
  }
}

/** What the browser's tab shows. */
export function titleOf(route: Route): string {
  const names: Record<Room, string> = {
    home: 'KV Lab',
    check: 'Check · KV Lab',
    lab: 'Lab · KV Lab',
    simulate: 'Simulate · KV Lab',
    model: 'Model · KV Lab',
    plan: 'Plan · KV Lab',
    tune: 'Tune · KV Lab',
    connect: 'Connect · KV Lab',
    autopilot: 'Autopilot · KV Lab',
    explain: 'Explained · KV Lab',
    teach: 'Teach · KV Lab',
    runs: 'Runs · KV Lab',
    run: 'Run · KV Lab',
    about: 'About · KV Lab',
    unknown: 'KV Lab',
  };
  return names[route.room];
}
