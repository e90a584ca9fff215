from __future__ import annotations

import json

import pytest

from vidtrack.core.errors import UsageError
from vidtrack.core.optional import optional_package


def test_an_installed_package_is_imported() -> None:
    assert optional_package("json", "this test") is json


@pytest.mark.parametrize("kind", [UsageError, ImportError])
def test_a_missing_one_is_named_with_the_command_that_installs_it(kind: type[Exception]) -> None:
    with pytest.raises(kind, match=r"the table needs no_such_package \(pip install no_such_package\)"):
        optional_package("no_such_package.frames", "the table")


def test_a_missing_one_of_an_extra_is_named_with_that_extra() -> None:
    with pytest.raises(UsageError, match=r"an export needs no_such_package \(pip install 'vidtrack\[onnx\]'\)"):
        optional_package("no_such_package", "an export", "onnx")
