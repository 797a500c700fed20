"""Guided samples, segment by segment, their images and features, and their metrics."""


rule sample:
    input:
        node_inputs,
    output:
        "results/store/segment/{key}/manifest.json",
    log:
        "results/logs/sample/{key}.log",
    priority: urgency
    resources:
        gpu=PLAN.gpu,
        mem_mb=32000,
        runtime=480,
    params:
        w2s=W2S,
        plan=PLAN.frozen,
    shell:
        "{params.w2s} sample {wildcards.key} --plan {params.plan} > {log} 2>&1"


rule decode:
    input:
        node_inputs,
    output:
        "results/store/decoded/{key}/manifest.json",
    log:
        "results/logs/decode/{key}.log",
    priority: urgency
    resources:
        gpu=PLAN.gpu,
        mem_mb=32000,
        runtime=240,
    params:
        w2s=W2S,
        plan=PLAN.frozen,
    shell:
        "{params.w2s} decode {wildcards.key} --plan {params.plan} > {log} 2>&1"


rule evaluate:
    input:
        node_inputs,
    output:
        "results/store/metrics/{key}/manifest.json",
    log:
        "results/logs/evaluate/{key}.log",
    priority: urgency
    resources:
        mem_mb=64000,
        runtime=240,
    params:
        w2s=W2S,
        plan=PLAN.frozen,
    shell:
        "{params.w2s} evaluate {wildcards.key} --plan {params.plan} > {log} 2>&1"
