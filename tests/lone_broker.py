"""`impasto serve` without a worker, for tests in which nothing is painted: a worker takes seconds to import PyTorch."""

from __future__ import annotations

import dataclasses
import sys

from impasto.cli import main, serve
from impasto.server.broker import Broker
from impasto.server.options import BrokerOptions


def alone(options: BrokerOptions) -> Broker:
    return Broker(dataclasses.replace(options, devices=()))


if __name__ == "__main__":
    serve.Broker = alone  # type: ignore[assignment,attr-defined]
    sys.exit(main(["serve", *sys.argv[1:]]))
