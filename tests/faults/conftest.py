from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.forkserver import ForkServer
from tests.faults.targets import Material


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return Material(tmp_path_factory.mktemp("made") / "files")


@pytest.fixture(scope="session")
def server() -> Iterator[ForkServer]:
    with ForkServer() as running:
        yield running
