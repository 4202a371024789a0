"""All questions. They come in the order in which they are listed here."""

from __future__ import annotations

from bench.conformance.questions import at_random, closing, leaking, lines, receiving, selecting, sending, starving
from bench.conformance.questions.registry import QUESTIONS as _ANY_ORDER
from bench.conformance.questions.registry import Question

_ORDER = [receiving, sending, lines, closing, selecting, starving, leaking, at_random]
QUESTIONS: dict[str, Question] = {
    key: question for module in _ORDER for key, question in _ANY_ORDER.items() if question.asked_in == module.__name__
}
