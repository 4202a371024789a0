"""What a question may answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

SEVERITY = ["n/a", "safe", "other", "reorders", "doubles", "loses"]  # of many trials the worst counts

LIE = "yet delivered"  # a sender that was told "cancelled" may well send again: then it is there twice


@dataclass(frozen=True)
class Finding:
    """The answer to one question.

    Attributes:
        verdict: one of `SEVERITY`.
        evidence: one line: what was seen, in the first of the worst trials.
        word: for "other", one or two words that say what it is.
        worst, trials: how many of the trials ended like that.
    """

    verdict: str
    evidence: str = ""
    word: str = ""
    worst: int = 1
    trials: int = 1

    def __post_init__(self) -> None:
        if self.verdict not in SEVERITY:
            raise ValueError(f"no such verdict: {self.verdict!r}")

    @property
    def short(self) -> str:
        """What stands in the table."""
        return self.word or self.verdict

    def as_data(self) -> dict[str, Any]:
        """Make what goes into the file."""
        return {"short": self.short, **asdict(self)}


def safe(evidence: str = "", word: str = "") -> Finding:
    """Say that nothing was lost, doubled or put in another order."""
    return Finding("safe", evidence, word)


def other(word: str, evidence: str) -> Finding:
    """Say that something else happened."""
    return Finding("other", evidence, word)


def not_asked(why: str) -> Finding:
    """Say that the question makes no sense here."""
    return Finding("n/a", why)


def worst_of(findings: list[Finding]) -> Finding:
    """Sum up many trials of one question; the first of the worst stands for all of them."""
    asked = [finding for finding in findings if finding.verdict != "n/a"]
    if not asked:
        return findings[0]
    worst = max(asked, key=lambda finding: SEVERITY.index(finding.verdict))
    like_it = sum(finding.verdict == worst.verdict and finding.word == worst.word for finding in asked)
    return Finding(worst.verdict, worst.evidence, worst.word, like_it, len(asked))


def judge(sent: list[Any], received: list[Any], refused: list[Any], story: str) -> Finding:
    """Compare what was accepted, in this order, with what came out, in this order.

    Args:
        sent: the values whose senders were told that they are sent.
        received: the values that came out.
        refused: the values whose senders were told that they are not sent.
        story: what happened, for the evidence.
    """
    told = f"{story}: sent {show(sent)}; received {show(received)}"
    if missing := [value for value in sent if value not in received]:
        return Finding("loses", f"{told}; {show(missing)} lost")
    if [value for value in refused if value in received]:
        return Finding("doubles", f"{told}, though the sender of {show(refused)} was told that it is not sent", LIE)
    if max(Counter(received).values(), default=0) > 1:
        return Finding("doubles", told)
    if received != sent:
        return Finding("reorders", told)
    return safe(told)


def show(values: list[Any]) -> str:
    """Write a few values down."""
    return ",".join(map(str, values)) or "nothing"
