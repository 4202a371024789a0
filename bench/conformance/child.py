"""Ask one library all questions and print the answers: python -m bench.conformance.child LIBRARY [QUESTION ...]."""

from __future__ import annotations

import json
import platform
import sys
from typing import Any

from bench.conformance.libraries import LIBRARIES
from bench.conformance.library import Missing
from bench.conformance.questions import QUESTIONS


def ask(name: str, keys: list[str]) -> dict[str, Any]:
    """Ask the library of this name."""
    about = {"library": name, "title": LIBRARIES[name].title, "python": platform.python_version()}
    try:
        library = LIBRARIES[name]()
        about["version"] = library.version
    except Missing as error:
        return {**about, "missing": str(error)}
    about["waits_for_several_by"] = library.select_is
    answers = {key: QUESTIONS[key].put_to(library).as_data() for key in keys or QUESTIONS}
    return {**about, "answers": answers}


if __name__ == "__main__":
    json.dump(ask(sys.argv[1], sys.argv[2:]), sys.stdout)
