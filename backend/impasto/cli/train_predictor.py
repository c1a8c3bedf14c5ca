"""Train the network that reads a picture as a style of a bank."""

from __future__ import annotations

import argparse

from impasto.cli.training import (
    add_style_training_arguments,
    gather,
    training_card,
    training_options,
)
from impasto_link.errors import ModelProblem


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_style_training_arguments(parser, "predictor")
    parser.add_argument("--bank", default="classic", help="the bank whose network paints (default: classic)")


def run(options: argparse.Namespace) -> int:
    import torch

    from impasto.training.arbitrary import measure_styles
    from impasto.training.common import restore, show, to_measure, train
    from impasto.training.predictor import PredictorOptions, PredictorTrainer
    from impasto.zoo.bank import fingerprint, load_body, load_codes
    from impasto.zoo.encoder import load_compact_encoder
    from impasto.zoo.library import Library, user_models
    from impasto.zoo.predictor import save_predictor

    material = gather(options)
    bank = next((bank for bank in Library().banks() if bank.name == options.bank and bank.has_body), None)
    if bank is None:
        raise ModelProblem(f"There is no bank {options.bank!r} with a network.", "See: impasto styles")
    body, codes = load_body(bank.weights), load_codes(bank.weights)
    encoder = load_compact_encoder(options.encoder).to(material.device)
    vgg = to_measure(material.vgg, material.device)
    settings = training_options(PredictorOptions, options)
    torch.manual_seed(settings.seed)
    # Paintings count most, but there are few of them.
    sources = [material.paintings, material.paintings, material.textures, material.photos]
    views = 8 if options.export else options.views
    styles = measure_styles(sources, views, 256, encoder, vgg, material.device)
    trainer = PredictorTrainer(
        body, torch.stack(list(codes.values())), styles, material.photos, encoder, vgg, settings, material.device
    )
    if options.export:
        restore(trainer, options.work)
    else:
        sheet = show(trainer, options.work, lambda: trainer.samples(material.previews, material.unseen))
        train(trainer, options.work, sheet)
    card = training_card(trainer, material, options, "Ghiasi et al. 2017 (arXiv 1705.06830) on a finished bank")
    path = (options.output or user_models()) / f"{options.bank}-predictor.safetensors"
    save_predictor(path, trainer.predictor, fingerprint(body), {"title": "Impasto picture styles", **card})
    print(f"Wrote {path}")
    return 0
