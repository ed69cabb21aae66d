"""The report of a model: one HTML page that needs nothing else, and its Markdown and JSON twins."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emo.evaluation.advice import next_steps, trust, verdict
from emo.evaluation.charts import coverage_chart, reliability_chart
from emo.evaluation.numbers import Evaluation
from emo.workspace import write_bytes, write_json

__all__ = ["Evaluation", "model_card", "write_report"]


def write_report(
    folder: Path,
    evaluation: Evaluation,
    *,
    title: str,
    contact_sheet: Path | None = None,
    extra: Mapping[str, str] | None = None,
) -> None:
    """Write ``report.html``, ``report.md`` and ``report.json`` into a folder.

    Args:
        contact_sheet: a picture of the captured faces; it becomes part of the HTML page.
        extra: further facts, shown as they are under "About this model".

    Raises:
        StorageError: a file could not be written.
    """
    context = _context(evaluation, title, extra or {})
    confidence, right = evaluation.probabilities.max(axis=1), evaluation.predicted == evaluation.truth
    pictures = {
        "contact_sheet": _data_address(contact_sheet) if contact_sheet is not None else None,
        "reliability": reliability_chart(confidence, right),
        "coverage": coverage_chart(confidence, right, evaluation.threshold),
    }
    write_bytes(folder / "report.html", _render("report.html", {**context, **pictures}).encode())
    write_bytes(folder / "report.md", _render("report.md", context).encode())
    document = {
        **evaluation.to_document(),
        "title": title,
        "trust": context["trust"],
        "verdict": context["verdict"],
        "next_steps": context["steps"],
    }
    write_json(folder / "report.json", {**document, "about": dict(extra or {})})


def model_card(evaluation: Evaluation, *, name: str, facts: Mapping[str, str]) -> str:
    """The README.md of a model folder: data, numbers, limits, and where its use is forbidden.

    Args:
        facts: what it was made from, such as base, licence, people, recordings, seconds.
    """
    return _render("card.md", {**_context(evaluation, name, facts), "name": name})


def _context(evaluation: Evaluation, title: str, extra: Mapping[str, str]) -> dict[str, Any]:
    low, high = evaluation.interval
    rows = []
    for index, label in enumerate(evaluation.labels):
        support = int(evaluation.confusion[index].sum())
        if support:
            rows.append((label, support, [(int(n), n / support) for n in evaluation.confusion[index]]))
    answered = [index for index in range(len(evaluation.labels)) if evaluation.confusion[:, index].any()]
    return {
        "title": title,
        "e": evaluation,
        "low": low,
        "high": high,
        "trust": trust(evaluation),
        "verdict": verdict(evaluation),
        "steps": next_steps(evaluation),
        "rows": rows,
        "columns": [(index, evaluation.labels[index]) for index in answered],
        "extra": dict(extra),
        "spread": _spread(evaluation),
    }


def _spread(evaluation: Evaluation) -> str:
    """What the interval is over, in plain words."""
    counts = evaluation.recordings.values()
    if min(counts) > 1:
        return "over recordings"
    if max(counts) == 1:
        return "over stretches of the same recordings, so another day may lie outside it"
    return "over recordings, and over stretches of one where a label has no second"


def _render(template: str, context: Mapping[str, Any]) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("emo.evaluation", "templates"),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["percent"] = _percent
    environment.filters["marked"] = _marked
    return environment.get_template(template).render(context)


def _percent(part: float) -> str:
    """A part as percent; never 0 for some, nor 100 for not quite all."""
    if 0 < part < 0.005:
        return "<1\N{NO-BREAK SPACE}%"
    if 0.995 <= part < 1:
        return ">99\N{NO-BREAK SPACE}%"
    return f"{100 * part:.0f}\N{NO-BREAK SPACE}%"


def _marked(text: str) -> Any:
    """Plain text as HTML, with what stands between backticks emphasised."""
    import markupsafe

    return markupsafe.Markup(re.sub(r"`([^`]*)`", r"<b>\1</b>", str(markupsafe.escape(text))))


def _data_address(picture: Path) -> str:
    kind = "png" if picture.suffix == ".png" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture.read_bytes()).decode('ascii')}"
