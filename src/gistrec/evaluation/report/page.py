"""A report as one HTML file that asks the network for nothing."""

import re
from pathlib import Path

from markupsafe import Markup, escape

from gistrec.errors import RunError
from gistrec.evaluation.pairs_table import p_told
from gistrec.evaluation.report.board import HEADLINE
from gistrec.evaluation.report.content import Content
from gistrec.evaluation.report.gallery import ordinal
from gistrec.evaluation.report.study_content import StudyContent
from gistrec.files import write_text

LARGEST = 10 * 1024**2  # bytes: what may still be sent by mail


def write_page(content: Content | StudyContent, target: Path) -> None:
    """Write the report of a run or of a study, atomically.

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


def render(content: Content | StudyContent) -> str:
    """The report as HTML; what runs give is escaped."""
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
    environment.filters["p_told"] = p_told
    if isinstance(content, StudyContent):
        return environment.get_template("study.html").render(study=content, headline=HEADLINE)
    return environment.get_template("run.html").render(content=content, headline=HEADLINE)


def breakable(name: str) -> Markup:
    """A name that a narrow column may break before what is added to it, or after a hyphen."""
    return Markup("<wbr>").join(escape(part) for part in re.split(r"(?=[+@(])|(?<=-)", name))
