"""xoshiro128** as src/core/random.ts has it, to the bit, so that both languages draw the same evaluation tasks.

Boundary: only what data.py draws. Training draws from Python's own generator (fast): its sequences are never compared.
"""

MASK = 0xFFFFFFFF


def _mix(word: int) -> int:
    z = word & MASK
    z = ((z ^ (z >> 16)) * 0x21F0AAAD) & MASK
    z = ((z ^ (z >> 15)) * 0x735A2D97) & MASK
    return z ^ (z >> 15)


def _rotate(x: int, k: int) -> int:
    return ((x << k) | (x >> (32 - k))) & MASK


class Random:
    """Seeded, forkable; `fork(name)` depends on seed and name only, never on what was drawn."""

    def __init__(self, seed: int, words: "tuple[int, int] | None" = None):
        self.words = words if words is not None else (seed & MASK, seed >> 32)
        state = [_mix(self.words[i % 2] + (i + 1) * 0x9E3779B9) for i in range(4)]
        self.state = [*state[:3], state[3] or 1]

    def next_u32(self) -> int:
        s0, s1, s2, s3 = self.state
        result = (_rotate((s1 * 5) & MASK, 7) * 9) & MASK
        t = (s1 << 9) & MASK
        s2 ^= s0
        s3 ^= s1
        self.state = [s0 ^ s3, s1 ^ s2, s2 ^ t, _rotate(s3, 11)]
        return result

    def below(self, bound: int) -> int:
        limit = 4294967296 - 4294967296 % bound
        draw = self.next_u32()
        while draw >= limit:
            draw = self.next_u32()
        return draw % bound

    def fork(self, name) -> "Random":
        a, b = self.words
        text = str(name)
        for character in text:
            a = _mix(a ^ ord(character))
            b = _mix(b * 0x9E3779B1 + a)
        return Random(0, (_mix(a + len(text)), _mix(b ^ 0x85EBCA6B)))


class FastRandom:
    """The same door over Python's generator, for training data."""

    def __init__(self, name: str):
        import random

        self._random = random.Random(name).random

    def below(self, bound: int) -> int:
        return int(self._random() * bound)
