import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from report_cases import OWN, Tags, content, ranks, row, rows

from gistrec.errors import RunError
from gistrec.evaluation.report.board import boards
from gistrec.evaluation.report.cards import QualityCard, RunCard, StageLine
from gistrec.evaluation.report.content import Content
from gistrec.evaluation.report.cost import priced
from gistrec.evaluation.report.curves import Course, Curve, course_panels
from gistrec.evaluation.report.gallery import Gallery, GalleryUser, Pick, Shown, Similar, ordinal
from gistrec.evaluation.report.page import LARGEST, render, write_page
from gistrec.evaluation.report.strata_panels import strata_panels

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
PIXEL = "data:image/webp;base64,AAAA"


def shown(title: str, image: str = PIXEL) -> Shown:
    return Shown("i1", title, title, image)


def user(name: str = "u1", title: str = "Lamp", *, hit: bool = False) -> GalleryUser:
    picks = tuple(Pick(shown(title), 0.25, (title,), hit and place == 1) for place in range(5))
    return GalleryUser(
        user_id=name,
        known=3,
        history=(shown(title), shown(title, "")),
        tastes=((3, title),),
        similar=(Similar(name, 0.5, (shown(title),)),),
        picks=picks,
        next_item=shown(title),
        places=("3rd of 21 (sampled)",),
    )


def full(name: str) -> Content:
    """Every part that is not empty, with ``name`` wherever a run gives a word."""
    bad = [row(name, ranks(4), protocol) for protocol in ("full", "sampled")]
    few = [one for one in rows() if one.system in ("oracle", "mmsrarec")]
    every = [*few, *bad]
    curve = Curve(name, ((1.0, 0.1), (2.0, 0.2)))
    return content(
        heading=replace(content().heading, system=name, dataset=name, notes=(name,)),
        boards=boards(every, OWN),
        strata=strata_panels([one for one in every if one.protocol == "full"], OWN),
        costs=priced([*few[:2], bad[0]], {name: 0.1, "mmsrarec": 0.2}, OWN),
        courses=course_panels([Course(name, "epoch", "NDCG@5", (curve, curve), 2)]),
        galleries=(Gallery(name, name, (user(name, name), user(name, name, hit=True))),),
        runs=(RunCard(name, name, ((name, "1"),), (StageLine(name, 1.0, 2.0, 1, "f"),)),),
        qualities=(QualityCard(name, name, ((name, name),)),),
    )


@cache
def page_of(name: str) -> str:
    """Made once: charts take their time."""
    return render(full(name))


def test_a_page_asks_the_network_for_nothing() -> None:
    page = page_of("name")
    tags = Tags(page)
    assert tags.values("src", "href")
    outward = tags.values("src", "href", "action", "data", "poster", "srcset")
    assert [at for at in outward if not at.startswith(("#", "data:"))] == []
    assert [given for tag, given in tags.found if tag == "script" and given] == []
    assert tags.count("iframe") == tags.count("object") == tags.count("base") == 0
    assert re.findall(r"url\((?!#)|@import|//[a-z]+\.[a-z]", page.replace("'none'", "")) == []


def test_what_a_run_gives_is_escaped() -> None:
    page = page_of(HOSTILE)
    tags, harmless = Tags(page), Tags(page_of("name"))
    for tag in ("script", "img", "style", "svg"):
        assert tags.count(tag) == harmless.count(tag)
    assert not [given for _, given in tags.found if "onerror" in given]
    assert "<script>alert" not in page
    assert HOSTILE in tags.text


def test_a_name_with_dollar_signs_is_no_formula() -> None:
    curve = Curve("$\\alpha$ of $5", ((1.0, 0.1), (2.0, 0.2)))
    (panel,) = course_panels([Course("one", "epoch", "NDCG@5", (curve, curve))])
    assert "$\\alpha$ of $5" in Tags(panel.chart).text


def test_charts_share_no_ids_and_every_link_leads_somewhere() -> None:
    tags = Tags(page_of("name"))
    ids = tags.values("id")
    assert len(ids) == len(set(ids)) > 20
    inside = [at[1:] for at in tags.values("href") if at.startswith("#")]
    assert set(inside) <= set(ids)
    named = " ".join(tags.values("aria-labelledby")).split()
    assert set(named) <= set(ids)


def test_charts_are_told_to_those_who_do_not_see_them() -> None:
    tags = Tags(page_of("name"))
    charts = [given for tag, given in tags.found if tag == "svg" and "aria-hidden" not in given]
    assert charts
    assert all(given["role"] == "img" and given["aria-label"] for given in charts)
    assert all("alt" in given for tag, given in tags.found if tag == "img")


def test_charts_take_their_colours_from_the_page() -> None:
    page = page_of("name")
    charts = "".join(re.findall(r'<svg class="chart".*?</svg>', page, flags=re.DOTALL))
    assert "var(--own)" in charts
    assert set(re.findall(r"(?:fill|stroke): ?(#[0-9a-f]+)", charts)) == set()


def test_the_page_has_a_language_a_title_and_its_parts_only() -> None:
    tags = Tags(render(content()))
    assert dict(tags.found)["html"] == {"lang": "en"}
    assert "mmsrarec on shop: gistrec report" in tags.text
    assert {"boards", "runs"} <= set(tags.values("id"))
    assert not {"gallery", "variants", "courses", "cost", "strata"} & set(tags.values("id"))


def test_hits_and_misses_are_shown_as_they_are() -> None:
    page = Tags(render(content(galleries=(Gallery("s", "drawn", (user(), user(hit=True))),)))).text
    assert page.count("Miss: what came next is not among these 5") == 1
    assert page.count("Hit: what came next stands 2nd here") == 1
    assert page.count("really came next") == 1
    assert "no image" in page


def test_a_gallery_that_cannot_be_shown_says_why() -> None:
    page = Tags(render(content(galleries=(Gallery(absent="the model is gone"),))))
    assert "the model is gone" in page.text
    assert page.count("article") == 0


def test_a_page_too_large_to_send_is_refused_and_not_written(tmp_path: Path) -> None:
    huge = shown("Lamp", "data:image/webp;base64," + "A" * LARGEST)
    gallery = Gallery("s", "drawn", (replace(user(), next_item=huge),))
    with pytest.raises(RunError, match="--no-gallery"):
        write_page(content(galleries=(gallery,)), tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_the_same_figures_are_the_same_chart() -> None:
    course = Course("one", "epoch", "NDCG@5", (Curve("one", ((1.0, 0.1), (2.0, 0.2))),))
    assert course_panels([course]) == course_panels([course])


@pytest.mark.parametrize(
    ("place", "told"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (112, "112th"), (1021, "1,021st")],
)
def test_places_are_written_as_people_say_them(place: int, told: str) -> None:
    assert ordinal(place) == told


def test_a_place_amid_ties_is_no_whole_number() -> None:
    assert ordinal(3.5) == "3.5"
