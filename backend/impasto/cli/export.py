"""Write a style, a bank or the network that finds the subject as a file for other programs.

    impasto export starry-night -o starry-night.onnx
    impasto export classic -o classic.onnx
    impasto export holiday.jpg -o holiday.onnx
    impasto export subject -o subject.onnx
    impasto export starry-night -o small.onnx --int8 holiday/
    impasto export --page page/

The file's suffix says which format. A bank has the code of the style as a second input, unless --style says which
styles are to be baked in. Each file is run at three sizes beside what Impasto paints itself, before it gets its name.
--page writes a folder for web servers instead: a page that paints in the browser.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from impasto_link.errors import BadRequest, quoted

if TYPE_CHECKING:
    from impasto.export.source import Source


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        nargs="?",
        metavar="WHAT",
        help="a style, a bank or its student, a picture as a style, or: subject; for a page a bank",
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("-o", "--output", type=Path, metavar="FILE", help="the file; its suffix says the format")
    where.add_argument(
        "--page", type=Path, metavar="DIR", help="the folder of a page that paints in the browser, for any web server"
    )
    parser.add_argument(
        "--style",
        nargs="+",
        default=[],
        metavar="STYLE[:WEIGHT]",
        help="styles of the bank, or pictures, that are baked in; several are mixed by weight",
    )
    parser.add_argument(
        "--int8",
        type=Path,
        metavar="PHOTOS",
        help="compute most of it in 8 bits: a third of the size, faster; how, is measured on a folder of photos",
    )
    parser.add_argument(
        "--existing",
        choices=("refuse", "replace"),
        default="refuse",
        help="where the file is already: refuse to begin, or replace it (default: refuse)",
    )
    parser.add_argument(
        "--runtime",
        type=Path,
        metavar="PACKAGE",
        help="for a page: onnxruntime-web, as a folder or as npm pack fetches it (default: npm is asked for it)",
    )


def run(options: argparse.Namespace) -> int:
    # PyTorch's exporters warn of what is no business of those who export.
    logging.getLogger("torch").setLevel(logging.ERROR)
    if options.page is not None:
        return _write_page(options)
    if options.what is None:
        raise BadRequest(
            "What is to be exported?", "A style, a bank, a picture, or subject: impasto export WHAT -o FILE"
        )
    from impasto.export.formats import FORMATS, format_of
    from impasto.export.run import check_place, export

    # Before anything is loaded.
    wanted = format_of(options.output)
    check_place(options.output, options.existing == "replace")
    if options.int8 is not None and not wanted.int8:
        able = " or ".join(one.suffix for one in FORMATS if one.int8)
        raise BadRequest(f"{wanted.title} is not written in 8 bits.", f"Name a file {able}, or leave --int8 out.")
    wanted.load()
    source = _source(options.what, options.style)
    if options.int8 is not None:
        from impasto.export.int8 import in_8_bits

        source = in_8_bits(source, options.int8, tell=print)
    path = export(source, options.output, replace=options.existing == "replace", tell=print)
    size = sum(part.stat().st_size for part in wanted.files(path))
    print(f"Wrote {path}, {size / 1e6:.1f} MB")
    if wanted.note:
        print(wanted.note)
    return 0


def _write_page(options: argparse.Namespace) -> int:
    from impasto.export.page import check_folder, offered_networks, write_page
    from impasto.zoo.library import Library

    replace, library = options.existing == "replace", Library()
    if options.style or options.int8 is not None:
        raise BadRequest("A page has all styles of its bank, in float.", "Leave --style and --int8 out.")
    check_folder(options.page, replace)
    offered = offered_networks(library, options.what)
    written = write_page(options.page, offered, library, replace=replace, runtime=options.runtime, tell=print)
    runtime = sum(size for name, size in written.sizes.items() if name.startswith("runtime/"))
    whole = sum(written.sizes.values())
    print(
        f"Wrote {written.folder} with {written.styles} styles: {whole / 1e6:.1f} MB, of them "
        f"{runtime / 1e6:.1f} MB of onnxruntime-web\n"
        f"To see it: python -m http.server --directory {quoted(str(written.folder))}, then http://localhost:8000/"
    )
    return 0


def _source(what: str, styles: list[str]) -> Source:
    from impasto.cli.options import read_styles, style_of_the_library
    from impasto.export.source import SUBJECT, of_bank, of_student, of_styles, of_subject
    from impasto.zoo.library import Library
    from impasto.zoo.student import student_named
    from impasto_link.pixels import Region

    library = Library()
    bank = next((bank for bank in library.banks() if bank.name == what and not bank.is_kept_picture), None)
    student = student_named(library.folders, what)
    if student is not None:
        return of_student(student, [style_of_the_library(word) for word in styles])
    if bank is None and styles:
        raise BadRequest(f"{quoted(what)} is no bank, so it has no styles to choose from.", "Leave --style out.")
    if what == SUBJECT:
        return of_subject()
    if bank is not None and not styles:
        return of_bank(bank, library)
    pictures: dict[str, Region] = {}
    source = of_styles(read_styles(styles or [what], pictures), pictures, library)
    if bank is not None and source.card["body"] != bank.body:
        raise BadRequest(
            f"These styles belong to another network than that of the bank {quoted(what)}.",
            "The card of each style's bank says which: impasto styles",
        )
    return source
