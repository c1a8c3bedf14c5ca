"""Students beside the network that they paint like: size, time, likeness, and a sheet of paintings.

    python benchmarks/students.py --photos DIR [--sheet sheet.png] [STUDENT.safetensors ...]

Without a file it is about the student that is installed. Prints Markdown. Teacher and student paint the same picture in
turn in one process, so that a machine that changes its speed changes both; a time is the median of the ratios. Likeness
is the peak signal-to-noise ratio against the teacher's painting, in decibels, over held-out photos, all styles as one
usually wants them.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms.v2 import functional as TF
from torchvision.utils import make_grid

from impasto.execution.style_bank import FoldedStyleBank
from impasto.nets.style_bank import StyleBankNet
from impasto.progress import silent
from impasto.training.photos import find_pictures
from impasto.training.student import measure
from impasto.training.student_net import Teacher
from impasto.training.styles import preview_photos
from impasto.zoo.bank import StyleCodes, load_body, load_codes
from impasto.zoo.library import Library
from impasto.zoo.student import Student, find_student, load_student_codes, student_at

SIZES = ((240, 320), (512, 512), (1024, 1024))
#: Of the sheet: what is painted in what, the photos at this side.
SHEET_SIDE, SHEET_PHOTOS = 320, 2


class Pupil(NamedTuple):
    """A student, read."""

    name: str
    file: Student
    net: StyleBankNet
    codes: dict[str, StyleCodes]


def teacher_of(student: Student) -> Teacher:
    library = Library()
    home = library.body_of(student.teacher)
    if home is None:
        raise SystemExit(f"The network that {student.path} is the student of is not installed.")
    codes: dict[str, StyleCodes] = {}
    for bank in library.banks():
        if bank.body == student.teacher and not bank.is_kept_picture:
            codes |= load_codes(bank.weights)
    return Teacher(load_body(home.weights), codes)


def ratio(teacher: Teacher, pupil: Pupil, size: tuple[int, int], dtype: torch.dtype, rounds: int) -> str:
    """How many times as long the teacher takes, and the student's milliseconds."""
    cpu = torch.device("cpu")
    picture = torch.rand(1, 3, size[0] // 8, size[1] // 8)
    picture = F.interpolate(picture, size, mode="bicubic", antialias=True).clamp(0, 1)
    name = next(iter(pupil.codes))
    pairs = ((teacher.net, teacher.codes[name]), (pupil.net, pupil.codes[name]))
    runs = [_run(FoldedStyleBank(net, cpu, dtype), codes.at()[None], picture) for net, codes in pairs]
    times: list[list[float]] = [[], []]
    for number in range(rounds + 1):
        for run, taken in zip(runs, times, strict=True):
            began = time.perf_counter()
            run()
            if number:  # the first time memory is fetched
                taken.append(time.perf_counter() - began)
    faster = statistics.median(long / short for long, short in zip(*times, strict=True))
    return f"{faster:.1f} ({statistics.median(times[1]) * 1000:.0f} ms)"


def _run(bank: FoldedStyleBank, code: Tensor, picture: Tensor) -> Callable[[], Tensor]:
    return lambda: bank.paint(picture, code)


def table(teacher: Teacher, pupils: list[Pupil], photos: Tensor, rounds: int) -> None:
    sizes = [f"{width} x {height}" for height, width in SIZES]
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}\n")
    heads = ["", "file", "weights", "steps", "dB mean", "dB worst"]
    heads += [f"{size}, {kind}" for kind in ("float32", "bfloat16") for size in sizes]
    print("| " + " | ".join(heads) + " |")
    print("|---" * len(heads) + "|")
    for pupil in pupils:
        likeness = measure(pupil.net, pupil.codes, teacher, photos, silent())
        worst = min(likeness, key=likeness.__getitem__)
        cells = [
            f"{pupil.name}: width {pupil.net.width}, {pupil.net.blocks} blocks",
            f"{pupil.file.path.stat().st_size / 1000:.0f} kB",
            f"{sum(weight.numel() for weight in pupil.net.parameters()) / 1000:.0f} k",
            str(pupil.file.card["training"]["steps"]),
            f"{statistics.mean(likeness.values()):.1f}",
            f"{likeness[worst]:.1f} ({worst})",
        ]
        for dtype in (torch.float32, torch.bfloat16):
            cells += [ratio(teacher, pupil, size, dtype, rounds) for size in SIZES]
        print("| " + " | ".join(cells) + " |", flush=True)


def sheet(teacher: Teacher, pupils: list[Pupil], photos: Tensor, path: Path) -> None:
    """A row for each style: for each photo the teacher's painting, then each student's."""
    rows = []
    photos = TF.resize(photos[:SHEET_PHOTOS], [SHEET_SIDE, SHEET_SIDE], antialias=True)
    cpu = torch.device("cpu")
    who = [(FoldedStyleBank(net, cpu, torch.float32), codes) for _, _, net, codes in pupils]
    who.insert(0, (FoldedStyleBank(teacher.net, cpu, torch.float32), teacher.codes))
    for style in teacher.codes:
        rows += [bank.paint(photo, codes[style].at()[None]) for photo in photos.split(1) for bank, codes in who]
    TF.to_pil_image(make_grid(torch.cat(rows), nrow=len(who) * len(photos), padding=4, pad_value=1.0)).save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("students", nargs="*", type=Path)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--count", type=int, default=12, help="photos for the likeness")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    library = Library()
    bodies = {bank.body: None for bank in library.banks()}
    paths = options.students or [found.path for body in bodies if (found := find_student(library.folders, body))]
    pupils = []
    for path in paths:
        student = student_at(path)
        if student is None:
            raise SystemExit(f"{path} is no student.")
        pupils.append(Pupil(path.stem, student, load_body(path), load_student_codes(path)))
    if not pupils:
        raise SystemExit("There is no student.")
    teacher = teacher_of(pupils[0].file)
    photos = preview_photos(find_pictures(options.photos), options.count, 256)
    table(teacher, pupils, photos, options.rounds)
    if options.sheet:
        sheet(teacher, pupils, photos, options.sheet)


if __name__ == "__main__":
    main()
