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


# The figures of a part as a whole, its sweeps of weights and layers and the page of claims if there
# are such: `curves`, `sweep` and `scan` of the pictures, `curves-<part>`, `sweep-<part>` and
# `scan-<part>` of another part; `claims` of all.
for name in [g for g in PLAN.groups if g.startswith(("figure/", "sweep/", "claims"))]:
    what = name.split("/")[-1]

    rule:
        name:
            what.replace("weights", "sweep").replace("layers", "scan")
        input:
            nodes=needs_of(name),
            key=f".w2s/keys/{name}.key",
        output:
            PLAN.groups[name].paths,
        log:
            f"results/logs/{what}.log",
        priority: AT_ONCE
        localrule: True
        params:
            w2s=W2S,
            plan=PLAN.frozen,
            group=name,
        shell:
            "{params.w2s} publish {params.group} --plan {params.plan} > {log} 2>&1"


# `snakemake guidance`: one table with its pictures and cells, and what they rest on.
for table in [t for t in PLAN.columns if t not in PLAN.parts and t != "confirm"]:

    rule:
        name:
            table
        input:
            table_files(table),
        localrule: True


# `snakemake toy`: all that a part publishes, but for its sweep.
for part, groups in PLAN.parts.items():

    rule:
        name:
            part
        input:
            [path for group in groups for path in PLAN.groups[group].paths],
        localrule: True
