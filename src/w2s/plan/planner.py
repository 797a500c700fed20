"""One planning run: the plan as it grows, and what adds to it."""

from __future__ import annotations

from w2s.params.load import Params
from w2s.plan.models import Models
from w2s.plan.pictures import Pictures
from w2s.plan.plan import Plan


class Planner:
    """A study's stages; each adds its nodes to the plan and tells their keys."""

    def __init__(self, params: Params):
        self.params, self.study = params, params.study
        self.plan = Plan(params.scale)
        self.add = self.plan.add
        self.pictures = Pictures(params, self.add)
        self.models = Models(params, self.pictures, self.add)
