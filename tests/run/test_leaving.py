"""A job that is asked to end does so, even where the request is swallowed."""

import signal
import subprocess
import sys

import pytest

START = """
import sys, time
from w2s.run import leaving
leaving.GRACE = 0.5
leaving.leave_when_asked()
"""
TIDY = """
try:
    print("ready", flush=True)
    time.sleep(60)
finally:
    print("tidied", flush=True)
"""
SWALLOWED = """
try:
    print("ready", flush=True)
    time.sleep(60)
except SystemExit:
    print("swallowed", flush=True)
time.sleep(60)
print("went on", flush=True)
"""


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("does", "said"), [(TIDY, "tidied"), (SWALLOWED, "swallowed")])
def test_a_process_leaves_by_the_finally_and_at_the_latest_after_its_grace(asked, does, said):
    process = subprocess.Popen(
        [sys.executable, "-c", START + does], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(asked)
    assert process.communicate()[0] == f"{said}\n"
    assert process.returncode == 128 + signal.SIGTERM
