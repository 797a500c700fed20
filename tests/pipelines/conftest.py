"""Folders of tiny pipelines, saved once."""

import pytest
import tiny_sd3


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """The folder of a tiny pipeline by kind and T5; tests must not change it."""
    made = {}

    def folder(kind="sd3", t5=False):
        if (kind, t5) not in made:
            place = tmp_path_factory.mktemp("pipelines") / f"{kind}{'-t5' * t5}"
            made[kind, t5] = tiny_sd3.save(place, kind, t5)
        return made[kind, t5]

    return folder
