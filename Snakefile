from snakemake.utils import min_version

min_version("9.0")


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/prompts.smk"
include: "rules/training.smk"
include: "rules/sampling.smk"
include: "rules/plane.smk"
include: "rules/report.smk"
include: "rules/tuning.smk"
include: "rules/artifacts.smk"


onstart:
    lease.hold_run()
    if workflow.local_exec:
        absent = (PLAN.nodes[key] for key in PLAN.absent)
        warm.start(Path("results/logs/warm.log"), warm.imports_of(absent))


localrules:
    all,
    tables,
    weights,
    layers,
    tune,
    confirm,


# What a profile gives to the machine that drives: `set-resources: {prompts: {driver: 1}}`.
workflow.localrules(*on_driver(workflow.resource_settings.overwrite_resources))


rule all:
    default_target: True
    input:
        every_published_file(),


rule tables:
    input:
        every_published_file("table"),


# The sweeps that the weights of all methods are chosen by, and the blocks that guidance skips; no
# part of `all`.
rule weights:
    input:
        sweep_files("weights"),


rule layers:
    input:
        sweep_files("layers"),
