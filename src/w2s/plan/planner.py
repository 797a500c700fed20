"""One planning run: the plan as it grows, and what adds to it."""

from __future__ import annotations

from w2s.params.parts import Part
from w2s.plan.models import Models
from w2s.plan.pictures import Pictures
from w2s.plan.plan import Plan


class Planner:
    """A study's stages; each adds its nodes to the plan and tells their keys."""

    def __init__(self, part: Part):
        self.part, self.params = part, part.params
        self.plan = Plan(part.scale)
        self.add = self.plan.add
        self.pictures = Pictures(part, self.add)
        self.models = Models(part, self.pictures, self.add)
