"""Kind `index`: what an image folder holds, each file decoded once to know that it is whole."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from w2s.data.attributes import ATTRIBUTES
from w2s.data.csv_files import write_csv
from w2s.data.images import BadImage, decode_image
from w2s.data.sources import Source, image_source
from w2s.data.split import split
from w2s.errors import UserError
from w2s.job import Job

ONE_CLASS = "images"  # what the only class of a flat folder is called
COLUMNS = ["file", "label", "sha256", "width", "height"]


def build(job: Job) -> dict:
    """Index the class folders of an image folder, or take a part of an index.

    The images stay where they are.  Spec: on_bad_file, "refuse" or "skip"; flat, true for a folder
    whose images lie in it and are one class.  Writes index.csv (sorted by class, then file name),
    classes.json (a label is a position in it), skipped.csv and, if the folder has one,
    attributes.csv.  Hidden files are ignored, and so is what lies outside the class folders, or in
    a flat folder, unless it is named like an image.  Raises UserError, naming all bad files at
    once, for a folder without classes or a class without images, and for a flat folder with
    folders in it.

    With the parent `whole`, an index, it is `w2s.data.split.split` that says the spec.
    """
    if "whole" in job.parents:
        return split(job)
    source = image_source(job)
    flat, rows, empty = job.spec.get("flat", False), [], []
    classes = _classes(source, flat)
    bad = [(name, "lies outside the class folders") for name in ([] if flat else source.loose())]
    with ThreadPoolExecutor(job.execution.threads) as pool:
        for label, name in enumerate(job.progress(classes, len(classes), "indexing class")):
            files = source.loose() if flat else source.files(name)
            found = list(pool.map(lambda file: _inspect(source, file), files))
            good = [(file, label, *facts) for file, facts in found if isinstance(facts, tuple)]
            bad += [(file, facts) for file, facts in found if isinstance(facts, str)]
            rows += good
            empty += [] if good else [name]
    refused = [] if job.spec["on_bad_file"] == "skip" else [f"{file} {why}" for file, why in bad]
    if refused or empty:
        problems = _problems("bad files", refused) + _problems("classes without images", empty)
        hint = ', or set on_bad_file to "skip" to leave bad files out' if refused else ""
        raise UserError(f"{source} has {' and '.join(problems)}: mend or remove them{hint}")

    write_csv(job.out / "index.csv", COLUMNS, rows)
    write_csv(job.out / "skipped.csv", ["file", "reason"], bad)
    (job.out / "classes.json").write_text(json.dumps(classes, indent=0) + "\n")
    with suppress(FileNotFoundError):  # few folders have one
        (job.out / ATTRIBUTES).write_bytes(source.read(ATTRIBUTES))
    return {"images": len(rows), "classes": len(classes), "skipped": len(bad)}


def _classes(source: Source, flat: bool) -> list[str]:
    """The names of the classes, sorted: of the class folders, or the only one of a flat folder.

    Raises UserError where there are no class folders, or where a flat folder has some.
    """
    if not source.exists():
        raise UserError(
            f"the image folder {source} does not exist or is not a folder: "
            "set data to a folder that holds one folder of images per class"
        )
    names = source.folders()
    if flat and names:
        raise UserError(
            f"the image folder {source} is said to be flat and has folders in it "
            f"({', '.join(names[:3])}{', ...' if names[3:] else ''}): move them elsewhere, or "
            "leave out flat if each is a class"
        )
    if flat:
        return [ONE_CLASS]
    if not names:
        raise UserError(
            f"the image folder {source} has no class folders: put the images of each class into "
            "a folder of their own, named after the class"
        )
    return names


def _inspect(source: Source, file: str) -> tuple[str, tuple[str, int, int] | str]:
    """A file with its sha256, width and height, or with the reason why it cannot be used."""
    try:
        data = source.read(file)
        image = decode_image(data)
    except OSError as error:
        return file, f"cannot be read: {error.strerror}"
    except BadImage as error:
        return file, str(error)
    return file, (hashlib.sha256(data).hexdigest(), image.width, image.height)


def _problems(what: str, entries: list[str]) -> list[str]:
    return [f"{len(entries)} {what} ({'; '.join(entries)})"] if entries else []
