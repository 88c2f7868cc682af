"""The picture of a tuning."""

import math

from gistrec.gist.tuning.curves import curves


def test_a_step_without_a_list_has_no_point_and_the_picture_says_why() -> None:
    name = "rewards/information/mean"
    values = [0.25, None, math.nan, 0.5]
    figure = curves([{"step": step, name: value} for step, value in enumerate(values)])
    panel = next(axes for axes in figure.axes if axes.get_title() == "information")
    points = panel.lines[0].get_xydata().tolist()
    assert [point for point in points if not math.isnan(point[1])] == [[0, 0.25], [3, 0.5]]
    assert [1, 0.0] not in points
    assert "no answer was a list of keywords" in figure.get_supxlabel()
