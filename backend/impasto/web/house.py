"""All that the endpoints share, and how they get it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from impasto.web.addresses import Addresses
from impasto.web.catalogue import Catalogue
from impasto.web.metrics import Metrics
from impasto.web.persons import Person
from impasto.web.settings import WebOptions
from impasto.web.studio import Studio


class House:
    """One web face.

    Args:
        options: how it is to behave.

    Attributes:
        options: the same.
        metrics: what is counted.
        studio: the jobs.
        catalogue: what can be chosen.
        addresses: where pictures may be fetched.
    """

    def __init__(self, options: WebOptions) -> None:
        self.options = options
        self.metrics = Metrics()
        self.studio = Studio(options, self.metrics)
        self.metrics.watch(self.studio)
        self.catalogue = Catalogue(self.studio.exchange, options)
        self.addresses = Addresses(options)

    async def close(self) -> None:
        """End all that is under way."""
        self.catalogue.close()
        await self.studio.close()


def house_of(request: Request) -> House:
    """The web face that was asked."""
    house: House = request.app.state.house
    return house


def person_of(request: Request) -> Person:
    """Who asks, as `impasto.web.guard` has found."""
    person: Person = request.state.person
    return person


HouseOf = Annotated[House, Depends(house_of)]
PersonOf = Annotated[Person, Depends(person_of)]
