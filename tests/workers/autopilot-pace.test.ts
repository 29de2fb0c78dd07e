/** The pace of a run that is watched, and the plan that waits. */
import { expect, test } from 'vitest';
import { Pacer } from '../../src/workers/autopilot-pace.ts';

function pacer(pace: { speed: number | null; hold: boolean }) {
  let ownMs = 500;
  let over = false;
  const slept: number[] = [];
  const made = new Pacer({
    pace,
    isOver: () => over,
    now: () => ownMs,
    sleep: (ms) => {
      slept.push(ms);
      ownMs += ms;
      return Promise.resolve();
    },
  });
  return {
    pacer: made,
    slept,
    own: () => ownMs - 500,
    pass: (ms: number) => (ownMs += ms),
    end: () => (over = true),
  };
}

test('as fast as it goes: it only lets messages in now and then', async () => {
  const { pacer: pace, slept, pass } = pacer({ speed: null, hold: false });
  pace.looked(60_000);
  await pace.pause();
  expect(slept).toEqual([]);
  pass(40);
  await pace.pause();
  expect(slept).toEqual([0]);
});

test('at ten times the speed of life, 1,000 ms of its clock take 100 of ours, in naps that hear a stop', async () => {
  const { pacer: pace, slept, own } = pacer({ speed: 10, hold: false });
  pace.looked(1000);
  await pace.pause();
  expect(own()).toBe(100);
  expect(slept.every((ms) => ms <= 50)).toBe(true);
  pace.looked(3000);
  await pace.pause();
  expect(own()).toBe(300);
});

test('another side of the run begins again at its 0', async () => {
  const { pacer: pace, own } = pacer({ speed: 1, hold: false });
  pace.looked(1000);
  await pace.pause();
  pace.looked(200);
  await pace.pause();
  expect(own()).toBe(1200);
});

test('once it is over it waits for nothing', async () => {
  const { pacer: pace, slept, end } = pacer({ speed: 0.001, hold: true });
  end();
  pace.looked(3000);
  await pace.pause();
  await pace.before('plan-1', () => Promise.reject(new Error('it waited')));
  expect(slept).toEqual([]);
});

test('each plan waits once, before its first step, and that time is no time of the run', async () => {
  const { pacer: pace, pass, own } = pacer({ speed: 1, hold: true });
  const waited: number[] = [];
  const wait = () => {
    waited.push(own());
    pass(10_000);
    return Promise.resolve();
  };
  await pace.before('plan-1', wait);
  await pace.before('plan-1', wait);
  await pace.before('plan-2', wait);
  expect(waited).toEqual([0, 10_000]);
  pace.looked(1000);
  await pace.pause();
  expect(own()).toBe(21_000);
});

test('without that wish no plan waits', async () => {
  const { pacer: pace } = pacer({ speed: null, hold: false });
  await expect(pace.before('plan-1', () => Promise.reject(new Error('it waited')))).resolves.toBeUndefined();
});
