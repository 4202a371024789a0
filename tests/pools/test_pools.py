"""The namespace: loaded when it is asked for, and every name of it is there and explained."""

import inspect

import pytest

import aiochan.pools
from tests.architecture.house import exported


def test_all_names_are_there():
    assert set(aiochan.pools.__all__) == exported("pools")
    assert aiochan.pools.__all__ == sorted(aiochan.pools.__all__)


@pytest.mark.parametrize("name", aiochan.pools.__all__)
def test_each_name_and_all_that_it_offers_is_explained(name):
    thing = getattr(aiochan.pools, name)
    assert inspect.getdoc(thing)
    for member, value in vars(thing).items():
        if not member.startswith("_") and (callable(value) or isinstance(value, property)):
            assert inspect.getdoc(value), f"{name}.{member}: no docstring"
            if inspect.iscoroutinefunction(value):
                assert "Cancellation:" in inspect.getdoc(value), f"{name}.{member}: what does a cancellation do?"
