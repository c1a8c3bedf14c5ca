"""Train the decoder of AdaIN, which paints like any picture."""

from __future__ import annotations

import argparse

from impasto.cli.training import (
    add_style_training_arguments,
    gather,
    training_card,
    training_options,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_style_training_arguments(parser, "adain")


def run(options: argparse.Namespace) -> int:
    import torch

    from impasto.engines.adain.files import FILE_NAME, save_decoder
    from impasto.training.adain import AdaINOptions, AdaINTrainer
    from impasto.training.arbitrary import measure_styles
    from impasto.training.common import restore, show, to_measure, train
    from impasto.zoo.encoder import load_compact_encoder
    from impasto.zoo.library import user_models

    material = gather(options)
    encoder = load_compact_encoder(options.encoder).to(material.device)
    vgg = to_measure(material.vgg, material.device)
    settings = training_options(AdaINOptions, options)
    torch.manual_seed(settings.seed)
    sources = [material.paintings, material.textures, material.photos]
    views = 8 if options.export else options.views
    styles = measure_styles(sources, views, 256, encoder, vgg, material.device)
    trainer = AdaINTrainer(encoder, styles, material.photos, vgg, settings, material.device)
    if options.export:
        restore(trainer, options.work)
    else:
        train(
            trainer,
            options.work,
            show(trainer, options.work, lambda: trainer.samples(material.previews, material.unseen)),
        )
    card = training_card(trainer, material, options, "Huang and Belongie 2017 (arXiv 1703.06868)")
    path = (options.output or user_models()) / FILE_NAME
    save_decoder(path, trainer.decoder, {"title": "Impasto AdaIN", **card})
    print(f"Wrote {path}")
    return 0
