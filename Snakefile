from snakemake.utils import min_version

min_version("9.0")


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/prompts.smk"
include: "rules/training.smk"
include: "rules/sampling.smk"
include: "rules/report.smk"


onstart:
    lease.hold_run()
    if workflow.local_exec:
        warm.start(Path("results/logs/warm.log"))


localrules:
    all,
    tables,
    weights,


rule all:
    default_target: True
    input:
        every_published_file(),


rule tables:
    input:
        every_published_file("table"),


# The sweeps that the weights of all methods are chosen by; no part of `all`.
rule weights:
    input:
        [path for sweep in PLAN.sweep for path in PLAN.groups[sweep].paths],
