"""Training, the weak models taken from it, and the pipelines made of it."""


rule train:
    input:
        node_inputs,
    output:
        ".w2s/built/train/{key}",
    log:
        "results/logs/train/{key}.log",
    priority: urgency
    threads: asked("threads")
    resources:
        gpu=asked("gpus"),
        mem_mb=asked("mem_mb"),
        runtime=asked("minutes"),
    params:
        w2s=W2S,
        plan=PLAN.frozen,
        limit=time_limit,
    shell:
        "{params.w2s} train {wildcards.key} --plan {params.plan} {params.limit} > {log} 2>&1 && touch {output}"


rule extract:
    input:
        node_inputs,
    output:
        ".w2s/built/weights/{key}",
    log:
        "results/logs/extract/{key}.log",
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
        "{params.w2s} extract {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"


rule pipeline:
    input:
        node_inputs,
    output:
        ".w2s/built/pipeline/{key}",
    log:
        "results/logs/pipeline/{key}.log",
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
        "{params.w2s} pipeline {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"
