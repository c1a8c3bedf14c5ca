"""How many threads a piece of work gets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from impasto.compute.threads import threads_for


@pytest.fixture(autouse=True)
def two() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_little_work_is_done_by_one_thread_and_the_others_come_back() -> None:
    cpu = torch.device("cpu")
    try:
        with threads_for(1e8, cpu):
            assert torch.get_num_threads() == 1
            raise KeyError
    except KeyError:
        pass
    assert torch.get_num_threads() == 2
    with threads_for(1e10, cpu):
        assert torch.get_num_threads() == 2
    with threads_for(1e8, torch.device("cuda")):
        assert torch.get_num_threads() == 2
