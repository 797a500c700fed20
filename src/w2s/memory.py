"""How a builder's process holds on to memory."""

import contextlib
import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # glibc, malloc.h


def keep_freed_memory() -> None:
    """Have glibc reuse what tensors free instead of handing it back; elsewhere nothing happens.

    By default each tensor of more than 128 KiB is mapped anew, so a training step on the CPU
    takes thousands of page faults (`python -m benchmarks.memory`).  Results are the same bytes.
    """
    with contextlib.suppress(OSError, AttributeError):  # no glibc
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(MMAP_THRESHOLD, 32 << 20)  # the most that glibc takes
        mallopt(TRIM_THRESHOLD, 512 << 20)
