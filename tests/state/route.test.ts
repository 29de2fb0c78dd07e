import { expect, test } from 'vitest';
import {
  AUTOPILOT,
  CONNECT,
  formatRoute,
  parseRoute,
  PLAN,
  SIMULATE,
  titleOf,
  TUNE,
  type Route,
} from '../../src/state/route.ts';
import { Router } from '../../src/state/router.svelte.ts';

const ROUTES: readonly { hash: string; route: Route }[] = [
  { hash: '#/', route: { room: 'home' } },
  { hash: '#/check', route: { room: 'check', card: null } },
  { hash: '#c1.abc_-9.zz1', route: { room: 'check', card: 'c1.abc_-9.zz1' } },
  { hash: '#/lab', route: { room: 'lab', link: null } },
  { hash: '#s1.abc_-9.zz1', route: { room: 'lab', link: 's1.abc_-9.zz1' } },
  { hash: '#/simulate', route: SIMULATE },
  {
    hash: '#/simulate/compare?link=s1.a.b&with=s1.c.d',
    route: { ...SIMULATE, view: 'compare', link: 's1.a.b', other: 's1.c.d' },
  },
  { hash: '#/simulate/compare', route: { ...SIMULATE, view: 'compare' } },
  { hash: '#/simulate?link=s1.abc_-9.zz1', route: { ...SIMULATE, link: 's1.abc_-9.zz1' } },
  {
    hash: '#/simulate/blocks?story=cache-thrash&seed=7',
    route: { ...SIMULATE, view: 'blocks', story: 'cache-thrash', seed: 7 },
  },
  { hash: '#/model', route: { room: 'model', view: 'run', link: null } },
  { hash: '#/model/quality', route: { room: 'model', view: 'quality', link: null } },
  { hash: '#/model/serving?link=s1.a%2Bb.c', route: { room: 'model', view: 'serving', link: 's1.a+b.c' } },
  { hash: '#/plan', route: PLAN },
  { hash: '#/plan?link=s1.abc_-9.zz1', route: { ...PLAN, link: 's1.abc_-9.zz1' } },
  { hash: '#/plan?story=plan-first', route: { ...PLAN, story: 'plan-first' } },
  { hash: '#/plan/measured', route: { ...PLAN, view: 'measured' } },
  {
    hash: '#/plan/compare?link=s1.a.b&with=s1.c.d',
    route: { ...PLAN, view: 'compare', link: 's1.a.b', other: 's1.c.d' },
  },
  { hash: '#/tune', route: TUNE },
  { hash: '#/tune?link=s1.abc_-9.zz1', route: { ...TUNE, link: 's1.abc_-9.zz1' } },
  { hash: '#/connect', route: CONNECT },
  { hash: '#/connect?link=s1.abc_-9.zz1', route: { ...CONNECT, link: 's1.abc_-9.zz1' } },
  { hash: '#/autopilot', route: AUTOPILOT },
  { hash: '#/autopilot?link=s1.abc_-9.zz1', route: { ...AUTOPILOT, link: 's1.abc_-9.zz1' } },
  { hash: '#/autopilot/hand?story=evict', route: { ...AUTOPILOT, view: 'hand', story: 'evict' } },
  { hash: '#/autopilot/score', route: { ...AUTOPILOT, view: 'score' } },
  { hash: '#/explain', route: { room: 'explain' } },
  { hash: '#/runs', route: { room: 'runs' } },
  { hash: '#/runs/a%2Fb', route: { room: 'run', id: 'a/b', other: null } },
  { hash: '#/runs/a?with=b%20c', route: { room: 'run', id: 'a', other: 'b c' } },
  { hash: '#/about', route: { room: 'about' } },
];

test.each(ROUTES)('$hash is read and written', ({ hash, route }) => {
  expect(parseRoute(hash)).toEqual(route);
  expect(formatRoute(route)).toBe(hash);
});

test.each([
  { hash: '', route: { room: 'home' } },
  { hash: '#', route: { room: 'home' } },
  { hash: '#/nowhere', route: { room: 'unknown', path: 'nowhere' } },
  { hash: '#/check/deeper', route: { room: 'unknown', path: 'check/deeper' } },
  { hash: '#/model/attic', route: { room: 'unknown', path: 'model/attic' } },
  { hash: '#/simulate/basement', route: { room: 'unknown', path: 'simulate/basement' } },
  { hash: '#/plan/cellar', route: { room: 'unknown', path: 'plan/cellar' } },
  { hash: '#/tune/cellar', route: { room: 'unknown', path: 'tune/cellar' } },
  { hash: '#/connect/cellar', route: { room: 'unknown', path: 'connect/cellar' } },
  { hash: '#/autopilot/cellar', route: { room: 'unknown', path: 'autopilot/cellar' } },
  { hash: '#/simulate?seed=-1', route: SIMULATE },
  { hash: '#/runs/a/b', route: { room: 'unknown', path: 'runs/a/b' } },
  { hash: '#/runs/%E0%A4%A', route: { room: 'run', id: '%E0%A4%A', other: null } },
  { hash: `#/${'x'.repeat(500)}`, route: { room: 'unknown', path: 'x'.repeat(80) } },
  // Whatever is no path goes to the decoder of links, which has the sentence for it.
  { hash: '#<script>', route: { room: 'lab', link: '<script>' } },
])('$hash leads somewhere', ({ hash, route }) => {
  expect(parseRoute(hash)).toEqual(route);
});

test('each room names the tab', () => {
  expect(ROUTES.map(({ route }) => titleOf(route)).every((title) => title.includes('KV Lab'))).toBe(true);
});

test('the router follows the address bar and writes to it', () => {
  let heard = (): void => undefined;
  const bar = {
    location: { hash: '#/lab' },
    addEventListener: (_: 'hashchange', listener: () => void) => void (heard = listener),
  };
  const router = new Router(bar);
  expect(router.current).toEqual({ room: 'lab', link: null });
  router.go({ room: 'runs' });
  expect(bar.location.hash).toBe('#/runs');
  heard();
  expect(router.current).toEqual({ room: 'runs' });
});
