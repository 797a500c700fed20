"""Page faults of a process that frees and takes a megabyte over and over, told by the kernel."""

import os
import platform
import subprocess
import sys

import pytest

WORK = """
import resource, sys, torch
from w2s.run.memory import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
for turn in range(400):
    if turn == 100:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    held = [torch.ones(1 << 18) for _ in range(4)]
    del held
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    # glibc's first threshold, which it would else raise by what is freed.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": str(128 << 10)}
    return int(subprocess.check_output([sys.executable, "-c", WORK, how], env=environment))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these thresholds")
def test_freed_memory_is_taken_again_without_page_faults():
    assert 100 * faults("kept") < faults("default")
