from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from laptop_server import LaptopServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LaptopServer]:
    """One server for all tests that do not harm it."""
    server = LaptopServer(tmp_path_factory.mktemp("shared"), "--usd-per-second", "0.001")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def http(shared: LaptopServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=shared.url, timeout=70) as client:
        yield client


@pytest.fixture
def own(tmp_path: Path) -> Iterator[LaptopServer]:
    """A server of the test's own, not yet started."""
    server = LaptopServer(tmp_path, "--spawn-grace", "0.3")
    yield server
    server.stop()
