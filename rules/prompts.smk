"""Prompts."""


rule prompts:
    input:
        node_inputs,
    output:
        "results/store/prompts/{key}/manifest.json",
    log:
        "results/logs/prompts/{key}.log",
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
        "{params.w2s} prompts {wildcards.key} --plan {params.plan} > {log} 2>&1"
