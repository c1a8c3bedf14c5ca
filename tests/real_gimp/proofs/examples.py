# MODE=headless
"""The examples of docs/gimp.md, as they are printed there; and the exit status of one that fails."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import gimp_prover as p
from gimp_prover import Gimp


def console(script):
    """GIMP once more, as the command line of the example starts it."""
    command = re.search(r"^(gimp-console.*)$", TEXT, re.MULTILINE)[1]
    program = command.split()[0]
    found = shutil.which(program) or shutil.which("gimp-console")
    words = command.replace(program, found).replace("paint.py", script)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(words, shell=True, cwd=p.FOLDER, env=environment, check=False).returncode


TEXT = (Path(os.environ["PROOF"]).parents[3] / "docs" / "gimp.md").read_text(encoding="utf-8")


def steps():
    console_example, script = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    image = p.load("small.png")
    image.set_selected_layers([image.get_layers()[0]])
    said = []
    exec(console_example, {"Gimp": Gimp, "print": lambda *words: said.append(words)})
    assert said[0][0] == p.SUCCESS, said
    assert image.get_layers()[0].get_mask() is not None
    image.delete()

    shutil.copy(p.FOLDER / "small.png", p.FOLDER / "photo.png")
    (p.FOLDER / "painting.png").unlink(missing_ok=True)
    (p.FOLDER / "paint.py").write_text(script)
    (p.FOLDER / "fails.py").write_text(script.replace("great-wave", "nonsense"))
    status = console("paint.py")
    assert status == 0, status
    before, after = (p.load(name).get_layers()[0] for name in ("photo.png", "painting.png"))
    assert p.get(before, None, "R'G'B' u8") != p.get(after, None, "R'G'B' u8")
    status = console("fails.py")
    assert status == 64, status
    p.say("both examples work; one that fails ends with 64")


p.run(steps)
