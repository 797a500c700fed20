"""One at a time holds a lease; the dead lose it, wherever they were, and nobody else does."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from w2s.errors import UserError
from w2s.store import lease as leases
from w2s.store.lease import Lease, Lost, held, hold_run
from w2s.store.owner import Owner

NAME = Path("leases/lease")
HOUR = 3600.0
HOLD = """
import os, sys, time
from pathlib import Path
from w2s.store.lease import held
with held(Path("leases/lease"), period=float(sys.argv[2])) as lease:
    if sys.argv[1] == "fork" and os.fork() == 0:
        time.sleep(60)
    print("held", flush=True)
    if sys.argv[1] == "asked":
        sys.stdin.readline()
        print(lease.mine(), flush=True)
    else:
        time.sleep(60)
"""
COUNT = """
from pathlib import Path
from w2s.store.lease import held
count, inside = Path("count"), Path("inside")
for _ in range(40):
    with held(Path("leases/lease")):
        inside.mkdir()  # fails if another is inside
        count.write_text(str(int(count.read_text()) + 1))
        inside.rmdir()
"""
RACE = """
import multiprocessing, os
from pathlib import Path
from w2s.store.lease import Lease
RACERS, ROUNDS = 20, 40

def race(number, barrier):
    for round in range(ROUNDS):
        lease = Lease(Path(f"race/{round}"))
        barrier.wait()
        if any([lease.take() or lease.take() or lease.take()]):
            Path(f"won/{round}-{number}").touch()
        barrier.wait()  # the winner holds it until all have tried
        if lease.mine():
            lease.release()

multiprocessing.set_start_method("fork")
barrier = multiprocessing.Barrier(RACERS)
racers = [multiprocessing.Process(target=race, args=(i, barrier)) for i in range(RACERS)]
for racer in racers:
    racer.start()
for racer in racers:
    racer.join()
assert all(racer.exitcode == 0 for racer in racers)
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    NAME.parent.mkdir()


@pytest.fixture
def clock(monkeypatch):
    """The waiter's clock, which goes when the test says so, or sleeps."""
    now = [1000.0]
    monkeypatch.setattr(leases.time, "monotonic", lambda: now[0])

    def forward(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(leases.time, "sleep", forward)
    return forward


@pytest.fixture
def holder():
    """Starts a process that holds the lease; all end with the test, their children included."""
    started = []

    def start(how: str, period: float = HOUR) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, how, str(period)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture(scope="module")
def ended() -> Owner:
    """A process of this machine that has ended without giving anything back."""
    print_me = (
        "from w2s.store.owner import Owner\nprint(Owner.myself(3600).content().decode(), end='')"
    )
    done = subprocess.run([sys.executable, "-c", print_me], capture_output=True, check=True)
    return Owner.parse(done.stdout)


def elsewhere(period: float = HOUR, **fields) -> Owner:
    """A holder on another machine."""
    return replace(Owner.myself(period), space="elsewhere", host="another", **fields)


def put(owner: Owner, path: Path = NAME, beat: int = 0) -> Path:
    """Have `owner` hold a lease."""
    path.write_bytes(owner.content(beat))
    return path


def everything() -> list[str]:
    return sorted(path.name for path in NAME.parent.iterdir())


def test_processes_never_meet_and_leave_no_file():
    Path("count").write_text("0")
    processes = [subprocess.Popen([sys.executable, "-c", COUNT]) for _ in range(3)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    assert Path("count").read_text() == "120"
    assert everything() == []


def test_of_twenty_who_find_a_lease_dead_exactly_one_takes_it(ended):
    Path("race").mkdir()
    Path("won").mkdir()
    for number in range(40):
        put(replace(ended, id=f"{number:032x}"), Path("race", str(number)))
    subprocess.run([sys.executable, "-c", RACE], check=True, timeout=300)
    rounds = [int(path.name.partition("-")[0]) for path in Path("won").iterdir()]
    assert sorted(rounds) == list(range(40))
    assert list(Path("race").iterdir()) == []


@pytest.mark.parametrize("how", ["plain", "fork"])
def test_a_kill_frees_the_lease_at_once_though_a_child_lives_on(holder, how):
    process = holder(how)  # of an hour's period
    process.kill()
    with held(NAME) as lease:
        assert lease.mine()
    assert everything() == []


def test_an_error_frees_the_lease():
    def fail():
        with held(NAME):
            raise RuntimeError("it broke")

    for _ in range(2):
        with pytest.raises(RuntimeError, match="it broke"):
            fail()
    assert everything() == []


@pytest.mark.parametrize("skew", [-HOUR, 0, HOUR])
def test_a_silent_holder_elsewhere_is_dead_after_its_period_and_not_before(clock, skew):
    year = {-HOUR: "2001", 0: "2026", HOUR: "2099"}[skew]
    put(elsewhere(period=100, since=f"{year}-01-01T00:00:00+00:00"))
    os.utime(NAME, (NAME.stat().st_mtime + skew,) * 2)
    lease = Lease(NAME, period=1)  # its own period does not matter
    assert not lease.take()
    clock(99)
    assert not lease.take()
    clock(2)
    assert lease.take()
    assert lease.mine()
    lease.release()
    assert everything() == []


def test_a_holder_elsewhere_that_beats_is_alive(clock):
    owner = elsewhere(period=100)
    lease = Lease(NAME)
    for beat in range(5):
        put(owner, beat=beat)
        assert not lease.take()
        clock(60)
    assert not lease.take()
    clock(60)
    assert lease.take()
    lease.release()


def test_a_number_that_another_process_has_by_now_is_no_holder():
    put(replace(Owner.myself(HOUR), started="1"))
    lease = Lease(NAME)
    assert lease.take()
    lease.release()
    put(Owner.myself(HOUR))
    assert not lease.take()


def test_a_file_that_says_nothing_is_dead_after_the_waiters_period(clock):
    NAME.write_bytes(b"")  # a machine lost its power before the disk had it
    lease = Lease(NAME, period=100)
    assert not lease.take()
    clock(101)
    assert lease.take()
    lease.release()
    assert everything() == []


def test_a_kill_in_the_middle_of_a_take_over_or_of_a_return_stops_nobody(ended):
    heir = replace(ended, id="e" * 32)
    put(ended)
    put(heir, Path(f"{NAME}.{ended.id}"))
    put(heir, Path(f"{NAME}.{'e' * 32}.new"))
    put(ended, Path(f"{NAME}.{ended.id}.{heir.id}"))
    put(ended, Path(f"{NAME}.{'f' * 32}"))
    lease = Lease(NAME)
    assert lease.take()
    assert everything() == [NAME.name]
    lease.release()
    assert everything() == []


def test_a_living_heir_is_left_to_it_and_a_dead_one_is_not(ended, clock):
    put(ended)
    put(elsewhere(period=100), Path(f"{NAME}.{ended.id}"))
    lease = Lease(NAME)
    assert not lease.take()
    clock(101)
    assert lease.take()
    lease.release()
    assert everything() == []


def test_an_heir_that_comes_late_leaves_the_next_holder_alone(ended, monkeypatch):
    """It saw the dead one's id; until it has the right to take over, another has done so."""
    put(ended)
    first, late = Lease(NAME), Lease(NAME)
    link = os.link

    def overtaken(source, target):
        monkeypatch.setattr(os, "link", link)
        assert first.take()
        link(source, target)

    monkeypatch.setattr(os, "link", overtaken)
    assert not late.take()
    assert first.mine()
    first.release()
    assert everything() == []


def test_a_suspended_holder_loses_the_lease_and_knows(holder):
    process = holder("asked", period=0.5)
    process.send_signal(signal.SIGSTOP)
    with held(NAME) as lease:
        process.send_signal(signal.SIGCONT)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "False\n"
        assert process.wait(timeout=60) == 0
        assert lease.mine()  # the other gave nothing back that was not its own
    assert everything() == []


def test_a_holder_beats_in_its_own_file():
    with held(NAME, period=0.06):
        before = NAME.stat()
        seen = set()
        while len(seen) < 4:
            seen.add(Owner.parse(NAME.read_bytes()).beat)
        assert (NAME.stat().st_ino, NAME.stat().st_size) == (before.st_ino, before.st_size)


def test_the_beat_of_a_loser_never_reaches_its_successor(capfd):
    lease, successor = Lease(NAME, period=0.06), elsewhere()
    assert lease.take()
    put(successor, Path("fresh")).replace(NAME)
    lease._heart.join(timeout=60)
    assert NAME.read_bytes() == successor.content()
    with pytest.raises(Lost):
        lease.check()
    lease.release()
    assert NAME.read_bytes() == successor.content()
    assert "is lost" in capfd.readouterr().err


def test_a_fork_of_the_holder_gives_nothing_back():
    with held(NAME) as lease:
        if (child := os.fork()) == 0:
            lease.release()
            os._exit(0)
        os.waitpid(child, 0)
        assert lease.mine()


def test_who_waits_says_for_whom_and_goes_on_when_nothing_is_left_to_do(capfd):
    done = threading.Event()
    with held(NAME):
        threading.Timer(0.3, done.set).start()
        with held(NAME, done=done.is_set) as lease:
            assert lease is None
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert f"lease is held by process {os.getpid()} on " in said


def test_without_hard_links_it_is_a_sentence(monkeypatch):
    def link(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(UserError, match="a file system with hard links"):
        Lease(NAME).take()
    assert everything() == []


ATTEMPT = "from w2s.store.lease import hold_run; hold_run()"


def test_a_second_run_in_the_folder_is_refused_until_the_first_has_ended(monkeypatch):
    script = f"{ATTEMPT}\nprint('held', flush=True)\nimport time\ntime.sleep(60)"
    monkeypatch.setattr(leases.atexit, "register", lambda _: None)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as first:
        assert first.stdout.readline() == b"held\n"
        with pytest.raises(UserError, match="another snakemake is at work in"):
            hold_run()
        first.kill()
        first.wait()
    hold_run()
    done = subprocess.run([sys.executable, "-c", ATTEMPT], capture_output=True, text=True)
    assert "another snakemake" in done.stderr


def test_a_run_gives_its_folder_back_at_its_end():
    subprocess.run([sys.executable, "-c", ATTEMPT], check=True)
    assert list(leases.RUN.parent.iterdir()) == []


def test_a_run_elsewhere_is_watched_before_it_is_believed_dead(clock, monkeypatch):
    monkeypatch.setattr(leases.atexit, "register", lambda _: None)
    put(elsewhere(period=100))
    hold_run(NAME)
    assert Owner.read(NAME, 1).here


def test_a_run_elsewhere_that_beats_is_refused(clock, monkeypatch):
    owner = elsewhere(period=100)
    put(owner)

    def beat_at_last(seconds):
        clock(seconds)
        if leases.time.monotonic() > 1050:
            put(owner, beat=1)

    monkeypatch.setattr(leases.time, "sleep", beat_at_last)
    with pytest.raises(UserError, match=f"process {os.getpid()} on another, since"):
        hold_run(NAME)
