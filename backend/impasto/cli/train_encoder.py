"""Train the compact encoder: distil VGG-19 into a small network."""

from __future__ import annotations

import argparse

from impasto.cli.training import add_training_arguments, gather, training_card, training_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_training_arguments(parser, "encoder")


def run(options: argparse.Namespace) -> int:
    from impasto.training.common import restore, train
    from impasto.training.distillation import DistillationOptions, DistillationTrainer
    from impasto.zoo.encoder import FILE_NAME, save_encoder
    from impasto.zoo.library import user_models

    material = gather(options)
    sources = [material.photos, material.paintings, material.textures]
    settings = training_options(DistillationOptions, options)
    trainer = DistillationTrainer(sources, material.vgg, settings, material.device)
    if options.export:
        restore(trainer, options.work)
    else:
        train(trainer, options.work)
    card = training_card(trainer, material, options, "distillation (arXiv 1503.02531) of VGG-19 (arXiv 1409.1556)")
    path = (options.output or user_models()) / FILE_NAME
    save_encoder(path, trainer.encoder, {"title": "Impasto compact encoder", **card})
    print(f"Wrote {path}")
    return 0
