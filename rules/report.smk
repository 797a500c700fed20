"""Published files: cells, tables and figures, each following the store and its key file."""

import re

for table, columns in PLAN.columns.items():

    rule:
        name:
            f"cells_{table}"
        input:
            nodes=group_inputs(f"cells/{table}"),
            key=f".w2s/keys/cells/{table}/{{row}}.key",
        output:
            [f"results/cells/{table}/{{row}}/{column}.json" for column in columns],
            f"results/figures/{table}/{{row}}.png",
        log:
            f"results/logs/cells/{table}/{{row}}.log",
        priority: AT_ONCE
        localrule: True
        params:
            w2s=W2S,
            plan=PLAN.frozen,
            group=f"cells/{table}",
        shell:
            "{params.w2s} publish {params.group}/{wildcards.row} --plan {params.plan} > {log} 2>&1"


rule table:
    input:
        nodes=group_inputs("table"),
        key=".w2s/keys/table/{table}.key",
    output:
        multiext("results/tables/{table}", ".csv", ".md", ".tex"),
        multiext("results/figures/{table}", "-samples.png", "-schedules.png"),
    log:
        "results/logs/table/{table}.log",
    wildcard_constraints:
        table="|".join(map(re.escape, PLAN.columns)),
    priority: AT_ONCE
    localrule: True
    params:
        w2s=W2S,
        plan=PLAN.frozen,
    shell:
        "{params.w2s} publish table/{wildcards.table} --plan {params.plan} > {log} 2>&1"


rule curves:
    input:
        nodes=lambda wildcards: group_inputs("figure")(["curves"]),
        key=".w2s/keys/figure/curves.key",
    output:
        "results/figures/training-curves.png",
    log:
        "results/logs/curves.log",
    priority: AT_ONCE
    localrule: True
    params:
        w2s=W2S,
        plan=PLAN.frozen,
    shell:
        "{params.w2s} publish figure/curves --plan {params.plan} > {log} 2>&1"


if PLAN.sweep:

    rule sweep:
        input:
            nodes=lambda wildcards: group_inputs("sweep")(["weights"]),
            key=".w2s/keys/sweep/weights.key",
        output:
            PLAN.groups["sweep/weights"].paths,
        log:
            "results/logs/weights.log",
        priority: AT_ONCE
        localrule: True
        params:
            w2s=W2S,
            plan=PLAN.frozen,
        shell:
            "{params.w2s} publish sweep/weights --plan {params.plan} > {log} 2>&1"
