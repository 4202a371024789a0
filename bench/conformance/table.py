"""The answers as a table of Markdown, and what was seen."""

from __future__ import annotations

from typing import Any

from bench.conformance.questions import QUESTIONS

Answers = dict[str, Any]

EXPECTED = ("safe", "n/a")


def table(asked: list[Answers]) -> str:
    """Write one row for each question and one column for each library; what is not safe is bold."""
    lines = [row(["", *(heading(library) for library in asked)]), "|" + " --- |" * (len(asked) + 1)]
    group = ""
    keys = [key for key in QUESTIONS if any(key in library["answers"] for library in asked)]
    for key in keys:
        question = QUESTIONS[key]
        if question.group != group:
            group = question.group
            lines.append(row([f"**{group}**", *[""] * len(asked)]))
        lines.append(row([question.title, *(cell(library["answers"].get(key)) for library in asked)]))
    return "\n".join(lines)


def heading(library: Answers) -> str:
    """Name a library and its release."""
    version = library["version"]
    name = str(library["title"])
    return name if version == "checkout" or version.startswith("Python") else f"{name} {version}"


def cell(answer: Answers | None) -> str:
    """Write one verdict."""
    if answer is None:
        return ""
    short = str(answer["short"])
    if answer["verdict"] == "n/a":
        return "-"
    return short if answer["verdict"] == "safe" else f"**{short}**"


def evidence(asked: list[Answers]) -> str:
    """List what was seen, for every answer."""
    lines = []
    for library in asked:
        lines += ["", f"{heading(library)}, Python {library['python']}"]
        for key, answer in library["answers"].items():
            share = f" [{answer['worst']} of {answer['trials']} trials]" if answer["trials"] > 1 else ""
            lines.append(f"  {key}: {answer['short']}{share}: {answer['evidence']}")
    return "\n".join(lines)


def row(cells: list[str]) -> str:
    """Write one row."""
    return "| " + " | ".join(cells) + " |"
