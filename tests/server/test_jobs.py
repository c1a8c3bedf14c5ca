"""Which job runs where."""

import pytest

from impasto.server.jobs import Job


@pytest.mark.parametrize(
    ("wanted", "device", "may"),
    [
        ("auto", "cuda:1", True),
        ("cuda", "cuda:1", True),
        ("cuda:0", "cuda", True),
        ("cuda:1", "cuda", False),
        ("cuda:1", "cuda:10", False),
        ("cpu", "cuda", False),
    ],
)
def test_a_job_runs_on_the_device_that_it_names(wanted: str, device: str, may: bool) -> None:
    assert Job("id", b"client", [], wanted).may_run_on(device) is may
