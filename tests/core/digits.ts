/** Checksums over the exact bits of many results: equal in every engine, or a simulated run is not the same run. */
import { cos, exp, log, log10, log2, pow, sin } from '../../src/core/math.ts';
import { createRandom } from '../../src/core/random.ts';
import { normalCdf, normalQuantile, studentQuantile } from '../../src/core/special.ts';

function checksum(values: readonly number[]): string {
  let hash = 0x811c9dc5;
  for (const byte of new Uint8Array(Float64Array.from(values).buffer))
    hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16);
}

export function digits(): Record<string, string> {
  const random = createRandom(2026);
  const uniform = Array.from({ length: 2000 }, () => random.uniform());
  const over = (f: (u: number) => number) => checksum(uniform.map(f));
  return {
    exp: over((u) => exp(1400 * u - 700)),
    log: over((u) => log(u * 1e6 + 1e-9)),
    log2: over((u) => log2(u * 1e6 + 1e-9)),
    log10: over((u) => log10(u * 1e6 + 1e-9)),
    pow: over((u) => pow(u * 100 + 1e-9, 40 * u - 20)),
    sin: over((u) => sin(2e4 * u - 1e4)),
    cos: over((u) => cos(2e4 * u - 1e4)),
    normalCdf: over((u) => normalCdf(16 * u - 8)),
    normalQuantile: over((u) => normalQuantile(u)),
    studentQuantile: checksum(uniform.slice(0, 50).map((u) => studentQuantile(u, 1 + 30 * u))),
    normal: checksum(Array.from({ length: 2000 }, () => random.normal())),
    exponential: checksum(Array.from({ length: 2000 }, () => random.exponential())),
  };
}

/** Written by `digits()` itself under Node 20. */
export const PINNED: Record<string, string> = {
  cos: 'f5f84b7d',
  exp: '8a4dc3a2',
  exponential: 'a47a49f6',
  log: '193d371',
  log10: '7421e94a',
  log2: 'b7628e33',
  normal: 'f4f5172e',
  normalCdf: '561d4044',
  normalQuantile: 'ae58a0e5',
  pow: '5d27ce58',
  sin: 'fecbae25',
  studentQuantile: '9b5cd81c',
};
