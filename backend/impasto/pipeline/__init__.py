"""One request: a region and what is to be done with it become a painted layer and its mask."""

from impasto.pipeline.received import Layer
from impasto.pipeline.request import Pipeline

__all__ = ["Layer", "Pipeline"]
