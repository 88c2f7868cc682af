"""What a search tries next."""

from gistrec.config.search import Range, Space
from gistrec.evaluation.search import SearchTrial
from gistrec.pipeline.search.draw import next_settings


def test_what_is_tried_lies_within_its_range_however_narrow() -> None:
    low, high = 0.12345, 0.12349
    space = Space(parameters=(Range(setting="a.b", low=low, high=high),))
    tried: list[SearchTrial] = []
    for number in range(8):  # beyond those that are drawn at random
        settings = next_settings(space, {"a.b": low}, tried, seed=0)
        value = settings["a.b"]
        assert isinstance(value, float)
        assert low <= value <= high
        tried.append(SearchTrial(number=number, settings=settings, state="done", value=value))
