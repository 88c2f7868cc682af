"""The report in a browser: what a person sees, presses and hears of it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from end_to_end_cases import Command, Tiny

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",  # which it refuses to root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 375, "height": 812}
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def report(tiny: Tiny, gistrec: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the shared run, with two users."""
    target = tmp_path_factory.mktemp("report") / "report.html"
    done = gistrec.done("report", "--run", tiny.run, "--out", target, "--users", 2)
    assert done.out.startswith(f"{target} (")
    return target


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: "Browser", report: Path) -> "Iterator[Page]":
    """The report, opened; at the end nothing may have gone wrong or out."""
    page, wrong, asked = browser.new_page(), [], []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    yield page
    assert wrong == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    page.close()


def first_column(page: "Page") -> list[str]:
    return page.locator("#boards table").first.locator("tbody th").all_inner_texts()


def figures(page: "Page", column: int) -> list[float]:
    cells = page.locator("#boards table").first.locator(f"tbody td:nth-child({column + 1})")
    return [float(value) for value in cells.evaluate_all("all => all.map(c => c.dataset.value)")]


def test_a_table_is_sorted_by_a_click_and_back_by_another(page: "Page") -> None:
    heading = page.locator("#boards table").first.locator("th", has_text="AUC")
    column = heading.evaluate("head => head.cellIndex")
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    down = figures(page, column)
    assert down == sorted(down, reverse=True)
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert figures(page, column) == sorted(down)


def test_a_table_is_sorted_by_the_keyboard(page: "Page") -> None:
    table = page.locator("#boards table").first
    table.get_by_role("button", name="system").focus()
    page.keyboard.press("Enter")
    names = first_column(page)
    assert names == sorted(names)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert table.locator("th[aria-sort]").all_inner_texts() == ["NDCG@5"]
    assert figures(page, 1) == sorted(figures(page, 1), reverse=True)


def test_the_first_stop_of_the_keyboard_leads_past_the_headings(page: "Page") -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_every_image_shows(page: "Page") -> None:
    images = page.locator("#gallery img")
    assert images.count() > 10
    for place in range(images.count()):
        images.nth(place).scroll_into_view_if_needed()
    page.wait_for_function("[...document.images].every(image => image.complete)")
    widths = images.evaluate_all("all => all.map(image => image.naturalWidth)")
    assert min(widths) > 0


def test_two_users_are_shown_with_what_really_came(page: "Page") -> None:
    users = page.locator("article.user")
    assert users.count() == 2
    for place in range(2):
        assert users.nth(place).locator(".picks > li").count() == 5
        assert users.nth(place).locator(".who .badge").count() == 1
    page.locator(".picks summary").first.click()
    assert page.locator(".picks details[open] li").first.is_visible()


@pytest.mark.parametrize("open_all", [False, True])
def test_nothing_is_wider_than_a_phone(page: "Page", open_all: bool) -> None:
    page.set_viewport_size(PHONE)
    if open_all:
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_dark_mode_is_toggled_and_follows_the_system_until_then(page: "Page") -> None:
    from playwright.sync_api import expect

    def paper() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    button, light = page.get_by_role("button", name="Dark mode"), paper()
    page.emulate_media(color_scheme="dark")
    dark = paper()
    assert dark != light
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    assert (paper(), button.get_attribute("aria-pressed")) == (light, "false")
    page.emulate_media(color_scheme="light")
    assert paper() == light
    button.click()
    assert paper() == dark


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_fault_keeps_anybody_out(page: "Page", scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    found = Axe().run(page).response
    assert len(found["passes"]) > 10
    faults = [
        f"{fault['id']}: {node['html'][:120]}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"][:3]
    ]
    assert faults == []


def test_what_is_folded_is_printed(page: "Page") -> None:
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert not page.locator("nav").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0
