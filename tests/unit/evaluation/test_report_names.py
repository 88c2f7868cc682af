"""Names in a report: where they break, and on a phone nowhere else."""

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from report_cases import OWN, content, ranks, row

from gistrec.evaluation.report.board import boards
from gistrec.evaluation.report.cards import RunCard, StageLine
from gistrec.evaluation.report.page import breakable, write_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NAMES = ("mmsrarec", "popularity", "mmsrarec+evidence", "mllm-msr+fusion", "sasrec (of-one)")
# The lines of a name: its characters by the height at which they stand.
LINES = """cell => {
  const lines = [], walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  let top = null;
  for (let node; (node = walker.nextNode());) {
    for (let at = 0; at < node.length; at++) {
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + 1);
      const box = range.getBoundingClientRect();
      if (!box.width) continue;
      if (top === null || Math.abs(box.top - top) > 4) { lines.push(""); top = box.top; }
      lines[lines.length - 1] += node.data[at];
    }
  }
  return lines.map(line => line.trim());
}"""


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("mmsrarec", ["mmsrarec"]),
        ("mllm-msr+fusion", ["mllm-", "msr", "+fusion"]),
        ("mmsrarec@server (A)", ["mmsrarec", "@server ", "(A)"]),
        ("<b>-x", ["&lt;b&gt;-", "x"]),
    ],
)
def test_a_name_breaks_between_its_words_only(name: str, parts: list[str]) -> None:
    assert breakable(name).split("<wbr>") == parts


def test_the_memory_is_told_with_its_unit() -> None:
    (board,) = boards([row("ease", ranks(3), peak_mib=1536.0)], OWN)
    place = [column.name for column in board.columns].index("memory, GiB")
    assert board.lines[0].cells[place].text == "1.5"


@pytest.fixture
def phone(tmp_path: Path) -> "Iterator[Page]":
    """A report of systems and stages of these names, on a phone."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    stages = tuple(StageLine(f"evaluation-{name}", 1.0, 2.0, 1, "f") for name in NAMES)
    page = content(
        boards=boards([row(name, ranks(3)) for name in NAMES], OWN),
        runs=(RunCard("run", "{}", (), stages),),
    )
    write_page(page, tmp_path / "report.html")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        opened = browser.new_page(viewport={"width": 375, "height": 812})
        opened.goto((tmp_path / "report.html").as_uri())
        yield opened
        browser.close()


def test_on_a_phone_no_name_breaks_within_a_word(phone: "Page") -> None:
    phone.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    cells = phone.locator("tbody th")
    shown = [cells.nth(place).evaluate(LINES) for place in range(cells.count())]
    assert len(shown) == 2 * len(NAMES)
    assert max(map(len, shown)) > 1  # else nothing is narrow here
    for lines in shown:
        for line, following in pairwise(lines):
            assert line.endswith("-") or following.startswith(("+", "@", "(")), lines
    assert phone.evaluate("document.documentElement.scrollWidth") == 375
