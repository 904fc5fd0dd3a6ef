"""The seeded kill test: a short form for every day, the long one with `pytest -m proof`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proof import prove

if TYPE_CHECKING:
    from pathlib import Path


def test_twenty_kills(tmp_path: Path) -> None:
    tally = prove(tmp_path, seed=7, kills=20)
    assert tally.wrong == []
    assert tally.accepted


@pytest.mark.proof
@pytest.mark.parametrize("seed", [1, 2])
def test_two_hundred_kills(tmp_path: Path, seed: int) -> None:
    tally = prove(tmp_path, seed=seed, kills=200)
    assert tally.wrong == []
    assert len(tally.accepted) > 100
