"""A report as one HTML file that asks the network for nothing."""

import re
from pathlib import Path

from markupsafe import Markup, escape

from gistrec.errors import RunError
from gistrec.evaluation.report.board import HEADLINE
from gistrec.evaluation.report.content import Content
from gistrec.evaluation.report.gallery import ordinal
from gistrec.files import write_text

LARGEST = 10 * 1024**2  # bytes: what may still be sent by mail


def write_page(content: Content, target: Path) -> None:
    """Write the report, atomically.

    Raises:
        RunError: it would be larger than 10 MiB.
    """
    page = render(content)
    if (size := len(page.encode())) > LARGEST:
        raise RunError(
            f"the report would have {size / 1024**2:.0f} MiB, and mails take 10: "
            "write it with --no-gallery"
        )
    write_text(target, page)


def render(content: Content) -> str:
    """The report as HTML; what the run gives is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("gistrec.evaluation.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["ordinal"] = ordinal
    environment.filters["breakable"] = breakable
    return environment.get_template("page.html").render(content=content, headline=HEADLINE)


def breakable(name: str) -> Markup:
    """A name that a narrow column may break before what is added to it, or after a hyphen."""
    return Markup("<wbr>").join(escape(part) for part in re.split(r"(?=[+@(])|(?<=-)", name))
