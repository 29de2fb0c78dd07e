import { describe, expect, it } from 'vitest';
import { GpuOutOfMemoryError } from '../../src/gpu/buffers.ts';
import { MemoryRiskError } from '../../src/lab/errors.ts';
import { fromUserAgent } from '../../src/workers/host-facts.ts';
import { failureOf, outcomeOf, RemoteError, valueOf } from '../../src/workers/outcome.ts';

describe('errors across the worker’s border', () => {
  it('keep code, sentence and fields through structured clone', () => {
    const crossed = structuredClone(failureOf(new GpuOutOfMemoryError('a pool', 1000, 24)));
    expect(crossed.error).toMatchObject({
      code: 'gpu-out-of-memory',
      data: { neededBytes: 1000, allocatedBytes: 24 },
    });
    expect(() => valueOf(crossed)).toThrow(RemoteError);
    expect(crossed.error.message).toContain('1000 bytes');
    expect(failureOf(new MemoryRiskError(9, 8, 'Shrink it.')).error).toMatchObject({ code: 'memory-risk' });
  });

  it('call an abort a cancel, whoever aborted', async () => {
    const abort = new AbortController();
    abort.abort();
    const outcome = await outcomeOf(() => Promise.resolve(abort.signal.throwIfAborted()));
    expect(outcome).toMatchObject({ ok: false, error: { code: 'cancelled' } });
  });

  it('give a sentence for anything that is thrown', () => {
    expect(failureOf('odd').error).toEqual({ code: 'failed', message: 'odd', data: null });
    expect(failureOf(new TypeError('no')).error).toEqual({ code: 'failed', message: 'no', data: {} });
  });

  it('pass values through', async () => {
    expect(valueOf(await outcomeOf(() => Promise.resolve(7)))).toBe(7);
  });
});

describe('user agent line', () => {
  it.each([
    [
      'Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0',
      'Firefox/141.0',
      'X11; Linux x86_64; rv:141.0',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15',
      'Version/26.0 Safari',
      'Macintosh; Intel Mac OS X 10_15_7',
    ],
  ])('%s', (line, runtime, os) => {
    expect(fromUserAgent(line)).toEqual({ runtime, os });
  });
});
