"""Random numbers that depend on a seed and on what tells a sample apart under it, alone.

Every draw is a stream of its own of the counter-based generator Philox 4x64-10 (Salmon et al.,
"Parallel random numbers: as easy as 1, 2, 3", 2011), from counter 0, whose 128-bit key is the
BLAKE2b hash of what is drawn.  So batches, shards and devices never change which image sample i
is, and no two draws are alike, however many there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

# The seed first, then what tells the sample apart under it: its number, or of an image of a prompt
# the text's hash, the copy of that text and the image's number.
Sample = tuple[int | str, ...]


def streams(what: str, samples: Sequence[Sample], *more: int) -> Iterator[np.random.Generator]:
    """For each sample in turn a generator at the start of its stream; draw before the next.

    The key is the 16-byte BLAKE2b hash of the text ``repr((what, *sample, *more))``, as a
    little-endian number.  It is one generator with a new key each time: to make one costs more
    than to draw a latent from it.
    """
    bits = np.random.Philox(key=0)
    rng, fresh = np.random.Generator(bits), bits.state
    for sample in samples:
        key = hashlib.blake2b(repr((what, *sample, *more)).encode(), digest_size=16).digest()
        fresh["state"]["key"] = np.frombuffer(key, dtype="<u8")
        bits.state = fresh
        yield rng
