"""Prompts, and what text encoders make of them: a pipeline's, or towers that are made here."""


rule prompts:
    input:
        node_inputs,
    output:
        ".w2s/built/prompts/{key}",
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
        "{params.w2s} prompts {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"


rule embed:
    input:
        node_inputs,
    output:
        ".w2s/built/embeddings/{key}",
    log:
        "results/logs/embed/{key}.log",
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
        "{params.w2s} embed {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"


rule towers:
    input:
        node_inputs,
    output:
        ".w2s/built/towers/{key}",
    log:
        "results/logs/towers/{key}.log",
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
        "{params.w2s} towers {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"
