"""Driver and workers are killed at random, again and again: every run ends with the same bytes.

`make chaos KILLS=1000` is a long one; CHAOS_SEED says which dice.
"""

import os
import random
import signal
import time

import pytest
from run_folder import RunFolder

pytestmark = pytest.mark.chaos
KILLS = int(os.environ.get("KILLS", "25"))
SEED = int(os.environ.get("CHAOS_SEED", "0"))
START = 4.0  # seconds until a driver has work for its workers


def kill_driver(study: RunFolder, driver, dice) -> None:
    """Its workers go on alone."""
    driver.kill()


def kill_worker(study: RunFolder, driver, dice) -> None:
    """One process of a job: the shell, the command or what builds."""
    if workers := sorted(set(study.processes()) - {driver.pid}):
        try:
            os.kill(dice.choice(workers), signal.SIGKILL)
        except ProcessLookupError:
            return


def kill_all(study: RunFolder, driver, dice) -> None:
    """As when the machine loses its power."""
    study.kill()


def torment(study: RunFolder, dice: random.Random, kills: int) -> int:
    """Run the study to its end under at most that many kills; returns how many there were."""
    done = 0
    while True:
        before = done
        driver = study.start("--cores", "2", "--retries", "2")
        time.sleep(dice.uniform(0, START))
        while driver.poll() is None and done < kills:
            time.sleep(dice.uniform(0, 2))
            dice.choice([kill_driver, kill_worker, kill_worker, kill_all])(study, driver, dice)
            done += 1
        said = driver.communicate()[0]
        if driver.returncode == 0:
            return done
        assert done > before, said  # it failed, and nothing was killed


def test_whatever_is_killed_it_ends_with_the_same_bytes(finished, tmp_path):
    dice, left, rounds = random.Random(SEED), KILLS, 0
    while left > 0:
        study = RunFolder.create(tmp_path / f"round-{rounds}")
        left -= torment(study, dice, left)
        assert study.published() == finished.published(), f"seed {SEED}, round {rounds}"
        assert study.stored() == finished.stored(), f"seed {SEED}, round {rounds}"
        assert "0 damaged" in study.w2s("doctor", "--store")
        assert not (study.path / "results/store/.damaged").exists()
        study.kill()  # what a killed driver left behind
        rounds += 1
