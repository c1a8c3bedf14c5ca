"""Seeing style: what a network sees in a picture, as one figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from impasto.engines.gatys.objective import FeatureNet, measure
from impasto.nets.perceptual import STYLE_DISTANCES, STYLE_LAYERS, content_distance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Feature maps shown of each layer.
STRONGEST = 5
#: Channels of a Gram matrix that are shown: of more, no single one can be made out.
_CHANNELS = 128


@torch.inference_mode()
def draw_sheet(
    net: FeatureNet, picture: Tensor, title: str, others: Mapping[str, Tensor] | None = None, content: str = ""
) -> Figure:
    """A figure of a picture's style, layer by layer.

    Each row is a layer: its Gram matrix, channels sorted by strength, and its strongest feature maps. Below, if there
    are others, how far the style of each lies from that of the picture (0 is equal, 1 as far as nothing at all).

    Args:
        net: the network that looks.
        picture: (1, 3, H, W) in [0, 1].
        title: what the figure is called.
        others: pictures to compare with it, by name, such as a photo and its painting.
        content: which of the others is the photo, whose content the rest are compared with, too.
    """
    from matplotlib.figure import Figure

    layers = [layer for layer in STYLE_LAYERS if layer in net.names]
    features = net(picture.to(net.dtype), layers)
    moments = measure(net, picture, layers)
    rows = len(layers) + bool(others)
    figure = Figure(figsize=(2.1 * (STRONGEST + 2), 2.2 * rows), layout="constrained")
    figure.suptitle(title)
    parts = figure.subfigures(2 if others else 1, 1, height_ratios=[len(layers), 1] if others else None, squeeze=False)
    above, below = parts[0, 0], parts[-1, 0]
    grid = above.add_gridspec(len(layers), STRONGEST + 2)
    for row, layer in enumerate(layers):
        left = above.add_subplot(grid[row, 0])
        if row == 0:
            left.imshow(picture[0].permute(1, 2, 0).cpu().numpy())
            left.set_title("picture", fontsize=9)
        left.axis("off")
        if row:
            share = moments[layer].second.trace() / len(moments[layer].mean)
            left.text(0, 0.5, f"{layer}\n{len(moments[layer].mean)} channels\nmean power {share:.2f}", fontsize=9)
        strength = moments[layer].second.diagonal()
        order = strength.argsort(descending=True)
        top = order[:_CHANNELS]
        gram = moments[layer].second[top][:, top].cpu()
        axes = above.add_subplot(grid[row, 1])
        # A few channels are many times as strong as the rest; on a linear scale nothing else would be seen.
        axes.imshow(gram.clamp_min(0).sqrt().numpy(), cmap="viridis")
        axes.set_title(f"{layer}: Gram matrix", fontsize=9)
        axes.set_xticks([])
        axes.set_yticks([])
        for column, channel in enumerate(order[:STRONGEST].tolist()):
            axes = above.add_subplot(grid[row, column + 2])
            axes.imshow(features[layer][0, channel].float().cpu().numpy(), cmap="viridis")
            axes.set_title(f"channel {channel}", fontsize=9)
            axes.axis("off")
    if others:
        distances = {
            name: [float(STYLE_DISTANCES["gram"](found[layer], moments[layer])) for layer in layers]
            for name, found in ((name, measure(net, other, layers)) for name, other in others.items())
        }
        charts = {"distance of style (Gram)": distances}
        # A photo alone has no content to be compared with.
        if content and len(others) > 1:
            photo = net(others[content].to(net.dtype), layers)
            charts[f"distance of content from {content}"] = {
                name: [float(content_distance({layer: seen[layer]}, {layer: photo[layer]})) for layer in layers]
                for name, seen in (
                    (name, net(other.to(net.dtype), layers)) for name, other in others.items() if name != content
                )
            }
        for place, (heading, values) in enumerate(charts.items(), 1):
            _bars(below.add_subplot(1, len(charts), place), layers, values, heading)
    return figure


def _bars(axes: object, layers: list[str], values: Mapping[str, list[float]], title: str) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    width = 0.8 / max(1, len(values))
    for number, (name, heights) in enumerate(values.items()):
        places = [at + (number - (len(values) - 1) / 2) * width for at in range(len(layers))]
        bars = axes.bar(places, heights, width, label=name)
        axes.bar_label(bars, fmt="%.2f", fontsize=8)
    axes.set_xticks(range(len(layers)), layers)
    axes.set_title(title, fontsize=9)
    axes.margins(y=0.3)
    axes.legend(fontsize=8)
