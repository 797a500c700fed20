"""Images, their index, the VAE, latents, feature network, CLIP and reference statistics."""


rule render:
    input:
        node_inputs,
    output:
        ".w2s/built/images/{key}",
    log:
        "results/logs/render/{key}.log",
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
        "{params.w2s} render {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"


rule index:
    input:
        node_inputs,
    output:
        ".w2s/built/index/{key}",
    log:
        "results/logs/index/{key}.log",
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
        "{params.w2s} index {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"


rule vae:
    input:
        node_inputs,
    output:
        ".w2s/built/vae/{key}",
    log:
        "results/logs/vae/{key}.log",
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
        "{params.w2s} vae {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"


rule encode:
    input:
        node_inputs,
    output:
        ".w2s/built/latents/{key}",
    log:
        "results/logs/encode/{key}.log",
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
        "{params.w2s} encode {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"


rule features:
    input:
        node_inputs,
    output:
        ".w2s/built/features/{key}",
    log:
        "results/logs/features/{key}.log",
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
        "{params.w2s} features {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"


rule clip:
    input:
        node_inputs,
    output:
        ".w2s/built/clip/{key}",
    log:
        "results/logs/clip/{key}.log",
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
        "{params.w2s} clip {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"


rule reference:
    input:
        node_inputs,
    output:
        ".w2s/built/reference/{key}",
    log:
        "results/logs/reference/{key}.log",
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
        "{params.w2s} reference {wildcards.key} --plan {params.plan} > {log} 2>&1 && touch {output}"
