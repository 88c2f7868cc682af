"""Variants beside the full system as a person reads them, with what the paper printed."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from gistrec.config.variants import ABLATION
from gistrec.evaluation.ablations import AblationRow
from gistrec.evaluation.metrics import AUC
from gistrec.evaluation.printed import Printed, beside
from gistrec.evaluation.row import Metric
from gistrec.schema import SAMPLED

_SHOWN = ("HR@5", "NDCG@5", AUC)


def ablation_tables(rows: Sequence[AblationRow]) -> list[Table]:
    """A table for each group and protocol, in the order of ``rows``.

    Below one of ablations stands another of the same variants as their paper printed them.
    """
    tables = []
    for group, protocol in dict.fromkeys((row.group, row.protocol) for row in rows):
        of_kind = [row for row in rows if (row.group, row.protocol) == (group, protocol)]
        tables.append(_table(of_kind, group, protocol))
        # The papers' protocol is the sampled one.
        if group == ABLATION and protocol == SAMPLED:
            shown = [row.variant for row in of_kind]
            printed = beside(shown, of_kind[0].system)
            tables += [] if printed is None else [_printed(printed, shown)]
    return tables


def _table(rows: Sequence[AblationRow], group: str, protocol: str) -> Table:
    title = f"{group}, {protocol}, {rows[0].n_users:,} users{_seeds(rows[0])}"
    table = Table(title=escape(title), title_justify="left", pad_edge=False)
    table.add_column("variant", overflow="fold", min_width=8)
    for name in _SHOWN:
        table.add_column(name, justify="right", no_wrap=True)
        table.add_column("against full", justify="right", no_wrap=True)
    for row in rows:
        cells = [escape(_name(row))]
        for name in _SHOWN:
            cells += [_number(row.metrics[name].value), _difference(row.difference.get(name))]
        table.add_row(*cells)
    table.caption = "differences with 95% intervals, paired by user"
    return table


def _printed(printed: Printed, shown: Sequence[str]) -> Table:
    """A paper's figures of these variants, dataset by dataset."""
    table = Table(title="as printed, on other data", title_justify="left", pad_edge=False)
    for name in ("data", "variant"):
        table.add_column(name, no_wrap=True)
    for name in printed.metrics:
        table.add_column(name, justify="right", no_wrap=True)
    for dataset, of_variant in printed.rows.items():
        held = [variant for variant in dict.fromkeys(shown) if variant in of_variant]
        if held == ["full"]:
            continue  # nothing to hold it against
        for variant in held:
            table.add_row(escape(dataset), escape(variant), *map(_number, of_variant[variant]))
        table.add_section()
    table.caption = printed.source
    return table


def _seeds(row: AblationRow) -> str:
    return f", seeds {', '.join(map(str, row.seeds))}" if len(row.seeds) > 1 else ""


def _name(row: AblationRow) -> str:
    if not row.difference:
        return f"{row.variant} ({row.system})"
    if row.same_as_full:
        return f"{row.variant} (the same: {', '.join(row.overrides)} already)"
    return row.variant


def _number(value: float) -> str:
    return f"{value:.3f}".replace("0.", ".", 1) if 0 <= value < 1 else f"{value:.3f}"


def _difference(metric: Metric | None) -> str:
    if metric is None:
        return ""
    return f"{metric.value:+.3f} \\[{metric.low:+.3f}, {metric.high:+.3f}]"
