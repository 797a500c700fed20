"""What the stages of dvc.yaml make: all nodes of the study of certain kinds, published or not."""

from w2s.artifacts.stages import STAGES

for stage, kinds in STAGES.items():

    rule:
        name:
            stage
        input:
            absent_tokens(k for k in PLAN.study if PLAN.nodes[k].kind in kinds),
        localrule: True
