"""Points of two-dimensional worlds, and what judges drawn ones."""


rule points:
    input:
        node_inputs,
    output:
        ".w2s/built/points/{key}",
    log:
        "results/logs/points/{key}.log",
    priority: urgency
    threads: asked("threads")
    resources:
        gpu=asked("gpus"),
        mem_mb=asked("mem_mb"),
        runtime=asked("minutes"),
    params:
        w2s=W2S,
        plan=PLAN.frozen,
    shell:
        "{params.w2s} points {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"


rule judge:
    input:
        node_inputs,
    output:
        ".w2s/built/judge/{key}",
    log:
        "results/logs/judge/{key}.log",
    priority: urgency
    group:
        joins
    threads: asked("threads")
    resources:
        gpu=asked("gpus"),
        mem_mb=asked("mem_mb"),
        runtime=asked("minutes"),
    params:
        w2s=W2S,
        plan=PLAN.frozen,
    shell:
        "{params.w2s} judge {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"
