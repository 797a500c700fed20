"""The command line: `w2s <verb>`.  A verb imports what it needs, so that `--help` is quick."""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from pathlib import Path

from w2s.errors import OutOfTime, UserError, disk_full
from w2s.plan.kinds import VERBS

FULL_DISK = (
    "the disk is full: make room where results/ and state/ lie, and give the same command again; "
    "what was being written is dropped"
)


def main(argv: list[str]) -> int:
    """Run one verb; 0 done, 2 the user can mend it, 75 out of time with the state saved."""
    args = parser().parse_args(argv)
    try:
        return args.run(args) or 0
    except UserError as error:
        print(f"w2s: {error}", file=sys.stderr)
        return 2
    except OutOfTime as error:
        print(f"w2s: {error}", file=sys.stderr)
        return 75
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `w2s show ... | head`
        return 141
    except Exception as error:
        if disk_full(error):
            print(f"w2s: {FULL_DISK}", file=sys.stderr)
            return 2
        traceback.print_exc()
        return 1


def parser() -> argparse.ArgumentParser:
    """All verbs and their arguments."""
    top = argparse.ArgumentParser(prog="w2s", description="Weak-to-strong guidance studies.")
    verbs = top.add_subparsers(required=True, metavar="VERB")

    def verb(name, run, help):
        sub = verbs.add_parser(name, help=help, description=help)
        sub.set_defaults(run=run)
        return sub

    for name, kind in VERBS.items():
        sub = verb(name, _build, f"build one node of kind {kind}")
        sub.set_defaults(kind=kind)
        sub.add_argument("key", help="key of the node")
        sub.add_argument("--plan", type=Path, required=True, help="the frozen plan to follow")
        sub.add_argument("--minutes", type=float, help="when a scheduler will stop the job")
    sub = verb("publish", _publish, "write cells, a table or figures from the store")
    sub.add_argument("group", help="such as cells/guidance/cfg-2 or table/guidance")
    sub.add_argument("--plan", type=Path, required=True, help="the frozen plan to follow")
    sub = verb("plan", _plan, "say what would run and why, and what it costs")
    _study(sub)
    sub.add_argument("--parts", nargs="+", help="these parts alone, instead of the file's")
    sub.add_argument("--nodes", action="store_true", help="list every node")
    sub.add_argument("--gpus", type=_count, help="how long the work takes on this many at least")
    sub = verb("tune", _tune, "search for the values of all guidance methods, round by round")
    sub.add_argument("--scale", help="a file or folder under scales/, instead of the file's")
    sub.add_argument("--data", help="a folder of images, instead of the scale's data set")
    sub.add_argument("--parts", nargs="+", help="these parts alone, instead of the file's")
    sub.add_argument("snakemake", nargs="*", help="its own arguments, after --")
    sub = verb("adopt", _adopt, "enter the values that the search chose in the scale's file")
    sub.add_argument("--parts", nargs="+", help="these parts alone, instead of the file's")
    _study(sub)
    sub = verb("show", _show, "walk a published number back to its raw data")
    sub.add_argument("path", type=Path, help="a file under results/")
    sub = verb("recompute", _recompute, "forget what only this cell uses")
    sub.add_argument("path", type=Path, help="a file under results/")
    _study(sub)
    sub = verb(
        "import-checkpoint", _import_checkpoint, "make a public checkpoint a network's folder"
    )
    sub.add_argument("file", type=Path, help="a state dict: .pt, .pth or .safetensors")
    sub.add_argument("--kind", required=True, help="sit or dit, whose weights have the same names")
    sub.add_argument("--name", required=True, help="of the folder under data/networks")
    sub.add_argument("--network", default="", help="what weights do not tell: heads=6,head_at=4")
    sub = verb("doctor", _doctor, "say whether this machine and account can run the study")
    sub.add_argument("--store", action="store_true", help="verify every checksum instead")
    sub.add_argument("--profile", type=Path, help="a profile's folder; slurm where Slurm answers")
    sub.add_argument("--json", action="store_true", help="for programs")
    _study(sub)
    sub = verb("stage", _stage, "make what a stage of dvc.yaml records; dvc repro runs it")
    sub.add_argument("name", help="plan, tables, data, networks, samples or scores")
    _study(sub)
    sub = verb("table", _table, "print a published table")
    sub.add_argument("path", type=Path, help="a csv file under results/tables/")
    sub = verb("plane", _plane, "try a guidance on exact networks in a two-dimensional world")
    sub.add_argument("--world", default="few", help="few classes in detail, or many that overlap")
    sub.add_argument("--main", default="exact", help="exact, or its errors: blur=0.1,smooth=0.03")
    sub.add_argument("--weak", help="errors of the weak network, if the guidance has one")
    sub.add_argument("--guidance", required=True, help="an entry under guidance, or a YAML file")
    sub.add_argument("--out", type=Path, help="where to draw a picture (PNG)")
    sub.add_argument("--points", type=int, help="how many; 2400 and more by the world if not given")
    sub.add_argument("--seed", type=int, default=0, help="of the noise and of the true sample")
    _study(sub)
    sub = verb("fetch", _fetch, "say what a study needs that has to be downloaded by hand")
    sub.add_argument("--list", action="store_true", required=True, help="nothing is downloaded")
    _study(sub)
    sub = verb("sample", _sample, "draw guided images of prompts with an SD3 or SD3.5 folder")
    _sampling(sub)
    _study(sub)
    sub = verb("status", _status, "say what of a study is done, running, queued and failed")
    shown = sub.add_mutually_exclusive_group()
    shown.add_argument("--watch", action="store_true", help="again every few seconds, to the end")
    shown.add_argument("--json", action="store_true", help="for programs")
    _study(sub)
    verb("schema", _schema, "print the JSON schema of a study")
    verb("keys", _keys, "print the reference page of all parameters")
    sub = verb("cost", _cost, "measure the seconds of one forward, for estimates")
    _study(sub)
    sub = verb("serve", _serve, "import once and fork for each job; snakemake starts it")
    sub.add_argument("socket", type=Path, help="where to listen")
    sub.add_argument("imports", nargs="*", help="modules to import")
    verb("record-code", _record_code, "record anew the digests of the code behind each kind")
    return top


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of GPUs: give 1 or more")
    return count


def _study(sub) -> None:
    sub.add_argument("--params", type=Path, default=Path("params.yaml"), help="parameter file")
    sub.add_argument("--scale", help="a file or folder under scales/, instead of the file's")
    sub.add_argument("--data", help="a folder of images, instead of the scale's data set")


def _sampling(sub) -> None:
    sub.add_argument("--model", type=Path, required=True, help="the folder, in diffusers' layout")
    sub.add_argument(
        "--guidance", required=True, help="a YAML file, an entry under guidance, or a method"
    )
    sub.add_argument(
        "--prompts", type=Path, required=True, help="a prompt a line, .jsonl, or COCO's captions"
    )
    sub.add_argument("--out", type=Path, required=True, help="a folder for the PNG files")
    sub.add_argument("--steps", type=int, default=28, help="Euler steps; 28 if not given")
    sub.add_argument("--seed", type=int, default=0, help="of the noise")
    sub.add_argument("--images", type=int, default=1, help="of each prompt")
    sub.add_argument("--negative", default="", help="negative prompt; the empty one if not given")
    sub.add_argument("--height", type=int, help="in pixels; the model's own if not given")
    sub.add_argument("--width", type=int, help="in pixels; the model's own if not given")
    sub.add_argument(
        "--text-length", type=int, help="tokens of T5's part; the model's own or 256 if not given"
    )
    sub.add_argument("--precision", default="fp32", help="fp32, bf16 or fp16")
    sub.add_argument("--batch", type=int, default=4, help="images drawn at once")
    sub.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ...")
    sub.add_argument(
        "--weak", action="append", default=[], metavar="NAME=DIR", help="a network by its name"
    )


def _load(args, **overrides):
    from w2s.params.load import load_study

    chosen = {"scale": args.scale, "data": args.data}
    return load_study(args.params, {k: v for k, v in chosen.items() if v is not None} | overrides)


def _build(args):
    from w2s.run.build import build
    from w2s.run.frozen import FrozenPlan

    build(args.kind, args.key, FrozenPlan(args.plan), args.minutes)


def _publish(args):
    from w2s.report.publish import publish
    from w2s.run.frozen import FrozenPlan
    from w2s.run.telling import Telling

    group = FrozenPlan(args.plan).group(args.group)
    with Telling("publish", group.name, group.name):
        publish(group)


def _stage(args):
    from w2s.artifacts.repro import run_stage

    return run_stage(args.name, _load(args))


def _plan(args):
    from w2s.run.overview import overview

    parts = {"parts": args.parts} if args.parts else {}
    print(overview(_load(args, **parts), nodes=args.nodes, gpus=args.gpus))


def _tune(args):
    from w2s.run.tune import tune

    args.params = Path("params.yaml")  # which Snakemake reads
    parts = {"parts": args.parts} if args.parts else {}
    chosen = {"scale": args.scale, "data": args.data} | parts
    config = [f"{name}={json.dumps(value)}" for name, value in chosen.items() if value is not None]
    arguments = [*args.snakemake, *(["--config", *config] if config else [])]
    return tune(lambda: _load(args, **parts), arguments)


def _adopt(args):
    from w2s.run.adopt import adopt

    parts = {"parts": args.parts} if args.parts else {}
    print(adopt(_load(args, **parts)))


def _show(args):
    from w2s.store.lineage import show

    print(show(args.path))


def _recompute(args):
    from w2s.store.lineage import recompute

    print(recompute(args.path, _load(args, parts=None)))  # any part may use the same nodes


def _import_checkpoint(args):
    from w2s.weak.checkpoint import import_checkpoint

    print(import_checkpoint(args.file, args.kind, args.name, args.network))


def _doctor(args):
    if args.store:
        from w2s.store.checksums import check_store

        report, damaged = check_store()
        print(report)
        return 1 if damaged else 0

    from w2s.doctor.examine import examine
    from w2s.doctor.finding import as_json, as_table, fails

    findings = examine(lambda: _load(args), args.profile)
    print(json.dumps(as_json(findings), indent=1) if args.json else as_table(findings))
    return 1 if fails(findings) else 0


def _table(args):
    from w2s.report.tables import show_table

    show_table(args.path)


def _plane(args):
    from w2s.params.parts import FIRST
    from w2s.params.trial import check_picture, read_trial
    from w2s.plane.tree import WORLDS

    def entries():
        parts = sorted(_load(args, parts=None).parts, key=lambda part: part.name != FIRST)
        part = next((p for p in parts if args.guidance in p.params.guidance), parts[0])
        return part.params.guidance, part.layers

    worlds = dict(WORLDS)  # and those of the study, where there is one
    for part in _load(args, parts=None).parts if args.params.exists() else ():
        worlds |= getattr(part.params, "worlds", {})
    asked = ("world", "main", "weak", "guidance", "points", "seed")
    values = {name: getattr(args, name) for name in asked}
    trial = read_trial(**values, entries=entries, worlds=worlds)
    if args.out is not None:
        check_picture(args.out)

    from w2s.run.compare import compare

    print(compare(trial, args.out))


def _fetch(args):
    from w2s.run.fetch import wanted

    print(wanted(_load(args)))


def _sample(args):
    from w2s.params.files import Layers
    from w2s.params.request import read_request

    def entries():
        if not args.params.exists() and args.scale is None:
            return {}, Layers(((str(args.params), {}),))
        parts = sorted(_load(args, parts=None).parts, key=lambda part: part.name != "text")
        part = next((p for p in parts if args.guidance in p.params.guidance), parts[0])
        return part.params.guidance, part.layers

    asked = ("model", "weak", "guidance", "prompts", "out", "steps", "seed", "images", "negative")
    asked += ("height", "width", "text_length", "precision", "batch", "device")
    request = read_request(**{name: getattr(args, name) for name in asked}, entries=entries)

    from w2s.run.sample import sample

    print(sample(request))


def _status(args):
    from w2s.run.status import Watcher
    from w2s.run.status_text import as_json, as_text, watch

    watcher = Watcher(_load(args))
    if args.watch:
        watch(watcher)
    elif args.json:
        print(json.dumps(as_json(watcher.look()), indent=1))
    else:
        print(as_text(watcher.look()))


def _schema(args):
    from w2s.params.schema import schema_text

    print(schema_text())


def _keys(args):
    from w2s.params.reference import reference_text

    print(reference_text(), end="")


def _cost(args):
    from w2s.run.measure import measure_cost

    print(measure_cost(_load(args)))


def _serve(args):
    from w2s.run.warm import serve

    serve(args.socket, args.imports, main)


def _record_code(args):
    from w2s.run.code import record

    print(record())
