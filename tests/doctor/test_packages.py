"""What is installed is compared with the lock."""

from importlib import metadata

import pytest

from w2s.doctor import packages
from w2s.doctor.packages import check_packages, pins_of

TORCH = metadata.version("torch")


def levels(tmp_path, text):
    lock = tmp_path / "lock.txt"
    lock.write_text(text)
    return {(f.about, f.level): f for f in check_packages(lock)}


def test_the_lock_of_this_repository_is_installed():
    assert {finding.level for finding in check_packages()} == {"pass"}
    assert len(list(pins_of(packages.LOCK.read_text()))) > 100


def test_an_absent_package_fails_and_another_version_warns(tmp_path):
    found = levels(tmp_path, f"torch=={TORCH} \\\n    --hash=sha256:0\nno-such==1\nnumpy==0.1\n")
    assert "no-such" in found["packages", "fail"].what
    assert "install.sh" in found["packages", "fail"].fix
    assert f"numpy {metadata.version('numpy')} instead of 0.1" in found["packages", "warn"].what
    assert ("packages", "pass") not in found


def test_many_are_counted_and_not_all_named(tmp_path):
    found = levels(tmp_path, "".join(f"no-such-{i}==1\n" for i in range(8)))
    assert found["packages", "fail"].what.endswith("no-such-4 and 3 more")


def test_what_is_for_other_systems_is_not_missed():
    text = "a==1 ; sys_platform == 'nowhere' \\\n  --hash=x\nb==2 ; python_version >= '3'\nc==3\n"
    assert list(pins_of(text)) == [("b", "2"), ("c", "3")]


def test_without_a_lock_there_is_a_warning(tmp_path):
    (python, lock) = check_packages(tmp_path / "none.txt")
    assert (python.level, lock.level) == ("pass", "warn")


def test_an_old_python_fails(monkeypatch):
    monkeypatch.setattr(packages, "OLDEST", (99, 0))
    assert packages._python().level == "fail"
    assert "Python 99.0 or newer" in packages._python().fix


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_an_empty_lock_holds_no_pins(text):
    assert list(pins_of(text)) == []
