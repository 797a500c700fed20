"""What the nodes of points cost: disk and forwards, memory and minutes, from the plan alone."""

from __future__ import annotations

from w2s.params.parts import Part
from w2s.plan.estimate import FLOAT, Estimate, Estimator
from w2s.plan.nodes import Node
from w2s.plan.plane_sweep import swept_points
from w2s.plan.resources import Budget, Needs
from w2s.plane.counts import REFERENCE, compared
from w2s.plane.tree import PER_BRANCH, World

VALUES = 8  # of a training point, its labels and numbers included
JUDGED = 4  # of a judged point, its label included
DOUBLE = 8  # bytes
HELD = 8  # matrices of points by Gaussians at once
WORK = 250  # multiply-accumulates that take as long as one Gaussian at one point, about
ROWS = 1000  # of a matrix of distances at once


class PlaneEstimator(Estimator):
    """Estimates for the nodes of a part with points.

    Counted are networks' forwards, and points and weights on disk; judging is not.
    """

    def __init__(self, part: Part, plan):
        self.params, self.plan = part.params, plan

    def of(self, node: Node) -> Estimate:
        """The estimate for one node."""
        if node.kind == "points":
            return Estimate(bytes=FLOAT * VALUES * node.spec["count"])
        if node.kind == "judge":
            return Estimate(bytes=FLOAT * JUDGED * self.params.sampling.per_seed)
        return super().of(node)

    def _segment(self, node):
        whole, sampling = super()._segment(node), self.params.sampling
        share = len(node.spec["seeds"]) / len(sampling.seeds)  # a table may have others
        work = self._work(node, share * whole.forwards, share * whole.gmacs)
        return Estimate(share * whole.forwards, work, share * whole.bytes)

    def _probe(self, node):
        whole, ways = super()._probe(node), len(node.spec["guidance"])
        points = FLOAT * 2 * node.spec["per_seed"] * (1 + ways)
        return Estimate(whole.forwards, self._work(node, whole.forwards, whole.gmacs), points)

    def _work(self, node: Node, forwards: float, gmacs: float) -> float:
        """Of an exact network that of its Gaussians, otherwise `gmacs`."""
        world = self.exact_world(node)
        return gmacs if world is None else forwards * gaussians(world) * WORK / 1e9

    def exact_world(self, node: Node) -> World | None:
        """The world of the exact network that draws a node; None where a trained one does."""
        network = self.network_of(node.parents["model"][0])
        return World(**network["world"]) if network["kind"] == "exact" else None


def estimate_points_sweep(part: Part, planned) -> PlaneEstimator:
    """Estimates for the nodes of the sweep's plan."""
    return PlaneEstimator(swept_points(part), planned)


class PlaneBudget(Budget):
    """Resources for the nodes of a part with points."""

    def _kinds(self):
        return {
            "points": lambda n: self._distances(n.spec["world"], n.spec["count"]),
            "judge": self._judged,
            "train": self._train,
            "weights": self._weights,
            "segment": self._drawn_points,
            "probe": self._probed,
        }

    def _distances(self, world: dict, count: int) -> Needs:
        """Memory of distances to the true points of a class, and of densities of all points."""
        world = World(**world)
        of_class = REFERENCE / world.classes
        densities = DOUBLE * HELD * max(count, REFERENCE) * gaussians(world)
        return Needs(data=DOUBLE * ROWS * of_class + densities)

    def _judged(self, node: Node) -> Needs:
        (points,) = node.parents["points"]
        count = compared(self.params.sampling.per_seed)
        return self._distances(self.estimator.plan.nodes[points].spec["world"], count)

    def _drawn_points(self, node: Node) -> Needs:
        world = self.estimator.exact_world(node)
        if world is None:
            return self._segment(node)
        held = DOUBLE * HELD * node.spec["batch"] * gaussians(world)
        return Needs(held, gmacs=self.estimator.of(node).gmacs)

    def _probed(self, node: Node) -> Needs:
        """The true velocities of all seeds and guidances are computed at once."""
        spec, (points,) = node.spec, node.parents["points"]
        count = len(spec["seeds"]) * spec["per_seed"] * (1 + len(spec["guidance"]))
        world = World(**self.estimator.plan.nodes[points].spec["world"])
        held = DOUBLE * HELD * count * gaussians(world)
        return Needs(held, gmacs=self.estimator.of(node).gmacs)


def gaussians(world: World) -> int:
    """How many Gaussians a world has."""
    return world.classes * (2**world.depth - 1) * PER_BRANCH
