import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gistrec.config.documents import format_yaml, parse_yaml

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)
tricky = st.sampled_from(["yes", "no", "on", "1e-3", ".5", "null", "~", "True", "0x1f", "1_000"])
numbers = st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none()
documents = st.recursive(
    words | tricky | numbers,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | tricky, inner, max_size=3),
    max_leaves=8,
)


@given(documents)
def test_what_is_written_is_read_back(document: object) -> None:
    assert parse_yaml(format_yaml(document)) == document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("1e-3", 1e-3),
        ("2E5", 2e5),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("3", 3),
        ("1.2.3", "1.2.3"),
        ("e5", "e5"),
        ("null", None),
    ],
)
def test_scalars_mean_what_they_look_like(text: str, value: object) -> None:
    read = parse_yaml(text)
    assert read == value
    assert type(read) is type(value)


def test_a_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(yaml.YAMLError, match="stands twice"):
        parse_yaml("a: {b: 1, b: 2}")


def test_documents_cannot_make_objects() -> None:
    with pytest.raises(yaml.YAMLError):
        parse_yaml("!!python/object/apply:os.getcwd []")
