"""Small workloads for the tests of benchmarks."""

from gistrec.bench.workload import Shape, Workload, look_at_pictures, make_workload
from gistrec.mllm.backbone import Backbone

SHAPE = Shape(candidates=5, prefix=20, candidate=7, images=True)


def small_work(backbone: Backbone, shape: Shape = SHAPE) -> Workload:
    return make_workload(backbone, shape, look_at_pictures(backbone) if shape.images else None)
