/**
 * SHA-256 of whole words: the hash behind block hashes.
 *
 * A prefix cache serves text that strangers send, and a collision would hand one's KV to another, so the hash is one
 * that nobody can steer (vLLM's default too). Input is 32-bit words, big endian, as tokens are; strings of bytes are
 * left out. Source: FIPS 180-4.
 */

/** The first 32 bits of the fractional parts of the square (H) and cube (K) roots of the first primes. */
const { H, K } = constants();

function constants(): { H: Uint32Array; K: Uint32Array } {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return {
    H: Uint32Array.from(primes.slice(0, 8), (prime) => rootFraction(BigInt(prime), 2n)),
    K: Uint32Array.from(primes, (prime) => rootFraction(BigInt(prime), 3n)),
  };
}

/** 32 bits behind the point of the nth root, in whole numbers: floor(root(p · 2^(32n))) mod 2^32. */
function rootFraction(value: bigint, degree: bigint): number {
  const target = value << (32n * degree);
  let [low, high] = [0n, 1n << 40n];
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** degree <= target) low = middle;
    else high = middle;
  }
  return Number(low & 0xffffffffn);
}

const schedule = new Uint32Array(64);

const rotate = (x: number, by: number): number => (x >>> by) | (x << (32 - by));

/** One chunk of 16 words into the state. */
function compress(state: Uint32Array, words: Uint32Array, from: number): void {
  for (let t = 0; t < 16; t++) schedule[t] = words[from + t] ?? 0;
  for (let t = 16; t < 64; t++) {
    const [w15, w2] = [schedule[t - 15] ?? 0, schedule[t - 2] ?? 0];
    const s0 = rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >>> 3);
    const s1 = rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >>> 10);
    schedule[t] = ((schedule[t - 16] ?? 0) + s0 + (schedule[t - 7] ?? 0) + s1) | 0;
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let t = 0; t < 64; t++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (K[t] ?? 0) + (schedule[t] ?? 0)) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  const next = [a, b, c, d, e, f, g, h];
  for (let i = 0; i < 8; i++) state[i] = ((state[i] ?? 0) + (next[i] ?? 0)) | 0;
}

/** The eight words of the digest. */
export function sha256(words: ArrayLike<number>): Uint32Array {
  // A one bit, zeros, and the length in bits as two words, up to a whole number of chunks.
  const padded = new Uint32Array(Math.ceil((words.length + 3) / 16) * 16);
  for (let i = 0; i < words.length; i++) padded[i] = words[i] ?? 0;
  padded[words.length] = 0x80000000;
  padded[padded.length - 2] = Math.floor(words.length / 2 ** 27);
  padded[padded.length - 1] = words.length * 32;
  const state = Uint32Array.from(H);
  for (let from = 0; from < padded.length; from += 16) compress(state, padded, from);
  return state;
}
