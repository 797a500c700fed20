"""Guided samples, segment by segment, their images and features, their metrics and scores."""


rule sample:
    input:
        node_inputs,
    output:
        ".w2s/built/segment/{key}",
    log:
        "results/logs/sample/{key}.log",
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
        "{params.w2s} segment {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"


rule decode:
    input:
        node_inputs,
    output:
        ".w2s/built/decoded/{key}",
    log:
        "results/logs/decode/{key}.log",
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
        "{params.w2s} decode {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"


rule evaluate:
    input:
        node_inputs,
    output:
        ".w2s/built/metrics/{key}",
    log:
        "results/logs/evaluate/{key}.log",
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
        "{params.w2s} evaluate {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"


rule probe:
    input:
        node_inputs,
    output:
        ".w2s/built/probe/{key}",
    log:
        "results/logs/probe/{key}.log",
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
        "{params.w2s} probe {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"


rule convert:
    input:
        node_inputs,
    output:
        ".w2s/built/converted/{key}",
    log:
        "results/logs/convert/{key}.log",
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
        "{params.w2s} convert {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"


rule score:
    input:
        node_inputs,
    output:
        ".w2s/built/score/{key}",
    log:
        "results/logs/score/{key}.log",
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
        "{params.w2s} score {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"
