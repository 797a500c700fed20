"""What the command line says of bad parameters."""

from w2s.cli import main


def refused(capsys, *arguments) -> list[str]:
    """What `w2s plan` says when it refuses: one entry per sentence."""
    assert main(["plan", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.removeprefix("w2s: ").splitlines()
