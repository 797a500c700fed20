"""How a builder's process holds on to memory."""

import contextlib
import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # glibc, malloc.h


def keep_freed_memory() -> None:
    """Have glibc reuse what tensors free instead of handing it back; elsewhere nothing happens.

    By default what large tensors free goes back to the kernel and is paged in again, thousands of
    page faults in a training step on the CPU (`python -m benchmarks.memory`).  Results are the
    same bytes.
    """
    with contextlib.suppress(OSError, AttributeError):  # no glibc
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(MMAP_THRESHOLD, 32 << 20)  # the most that glibc takes
        mallopt(TRIM_THRESHOLD, 512 << 20)
