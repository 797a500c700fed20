"""The search for guidance, round by round, and what confirms it; no part of `all`."""

# `snakemake tune` makes the next round of every part's search, whose rows follow from the rounds
# before it, or where a search is finished its table and frontiers.  `w2s tune` goes on to the end.
for name in PLAN.tune:

    rule:
        name:
            "-".join(name.split("/"))
        input:
            nodes=needs_of(name),
            key=f".w2s/keys/{name}.key",
        output:
            PLAN.groups[name].paths,
        log:
            f"results/logs/{name}.log",
        priority: AT_ONCE
        localrule: True
        params:
            w2s=W2S,
            plan=PLAN.frozen,
            group=name,
        shell:
            "{params.w2s} publish {params.group} --plan {params.plan} > {log} 2>&1"


rule tune:
    input:
        [path for name in PLAN.tune for path in PLAN.groups[name].paths],


# The values that stand under guidance on fresh seeds: tables, cells and claims.
rule confirm:
    input:
        [path for name in PLAN.confirm for path in PLAN.groups[name].paths],
