"""What a script in GIMP has: the user's hands, calls of procedures, images and their pixels.

GIMP executes the script in a process of its own, so it may wait; whoever looks at windows does that outside.
"""

import contextlib
import json
import os
import subprocess
import time
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
gi.require_version("Babl", "0.1")
gi.require_version("GdkPixbuf", "2.0")
from gi.repository import Babl, GdkPixbuf, Gegl, Gimp, Gio  # noqa: E402

Gegl.init(None)

FOLDER = Path(os.environ["PROOF_FOLDER"])
SUCCESS, ERROR = Gimp.PDBStatusType.SUCCESS, Gimp.PDBStatusType.EXECUTION_ERROR
QUIET = Gimp.RunMode.NONINTERACTIVE
BASE, KIND, PRECISION = Gimp.ImageBaseType, Gimp.ImageType, Gimp.Precision
STYLE_TRANSFER, FIND_SUBJECT = "plug-in-impasto-style-transfer", "plug-in-impasto-find-subject"
_asked = 0


def tell(**entry):
    with (FOLDER / "log").open("a", encoding="utf-8") as log:
        log.write(json.dumps(entry) + "\n")


def say(words):
    tell(say=words)


def ask(what, **fields):
    """Ask the runner for something and wait for its answer."""
    global _asked
    _asked += 1
    answer = FOLDER / f"answer-{_asked}"
    tell(ask=what, number=_asked, **fields)
    wait_for(answer.exists, f"the answer to {what}", 120)
    return json.loads(answer.read_text(encoding="utf-8"))


def wait_for(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"never happened: {what}; windows: {ask('titles') if 'answer' not in what else '?'}")
        time.sleep(0.03)
    return found


# --- hands


def window(title, seconds=30):
    """Wait for a window and give it the keyboard; its place and size."""
    found = wait_for(lambda: ask("window", title=title), f"a window {title}", seconds)
    time.sleep(0.3)
    return found


def is_open(title):
    return ask("window", title=title, activate=False) is not None


def gone(title, seconds=30):
    wait_for(lambda: not is_open(title), f"the end of the window {title}", seconds)


def key(keys):
    ask("key", keys=keys)
    time.sleep(0.15)


def write(words):
    ask("type", words=words)
    time.sleep(0.2)


def click(x, y, button=1):
    ask("click", x=x, y=y, button=button)
    time.sleep(0.2)


def shot(name, title=None):
    """A screenshot of the whole screen, or of one window."""
    time.sleep(0.3)
    ask("shot", name=name, window=title)


def search_action(words):
    """An entry of the menu, found by GIMP's search for actions."""
    window("GIMP$")
    key("slash")
    window("Search Actions", 10)
    write(words)
    time.sleep(0.8)
    key("Return")


def begin():
    """A painting from the menu, up to our window with its progress."""
    open_from_menu("style transfer", "Style Transfer")
    time.sleep(2.0)
    key("alt+p")
    # Now the dialog goes and the window with the progress comes; both have the same title.
    wait_for(lambda: (place := ask("window", title="^Style Transfer$")) and place[2] < 600, "the progress")
    wait_for(lambda: jobs() > 0, "a job at the server", 10)


def status_bar_cancel(x, y, width, height):
    """Where GIMP shows its own Cancel while a plug-in tells of its progress."""
    return x + width - 284, y + height - 37


def later(seconds, what, **fields):
    """Have the runner do something while this script waits in a call."""
    ask("later", seconds=seconds, entry={"ask": what, **fields})


def open_from_menu(words, title):
    """An entry of the menu that opens a window."""
    for _ in range(3):
        search_action(words)
        with contextlib.suppress(TimeoutError):
            return window(f"^{title}$", 8)
        key("Escape")
    raise TimeoutError(f"{words} opens no window {title}")


def open_dialog():
    """The dialog Style Transfer from the menu, when it shows its styles; where it lies on the screen."""
    open_from_menu("style transfer", "Style Transfer")
    time.sleep(2.0)
    x, y, *_ = window("^Style Transfer$")
    # Of the place that xdotool tells of a window with a title bar, the height of that is to be taken off.
    return x, y - 20


def choose_picture(name):
    """A file on the dialog's page for a picture, through GTK's window for files."""
    window("^Style Transfer$")
    key("alt+i")
    key("space")
    for _ in range(3):
        window("Picture to Paint Like")
        # The first letter opens the entry for a path, and letters that come before it is there are lost.
        write("/")
        time.sleep(0.7)
        key("ctrl+a")
        write(str(FOLDER / name))
        time.sleep(1.0)
        key("Return")
        with contextlib.suppress(TimeoutError):
            gone("Picture to Paint Like", 8)
            break
    gone("Picture to Paint Like", 1)
    window("^Style Transfer$")


def copied(kind, name, seconds=0):
    """Have another program copy a file, or with a KIND of ``image/png`` the picture in it; its process."""
    command = ["python3", Path(__file__).with_name("copied.py"), kind, FOLDER / name, str(seconds)]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert owner.stdout.readline() == "copied\n"
    return owner


def open_clipboard():
    """The dialog's page for a picture, and on it what is in the clipboard."""
    x, y = open_dialog()
    click(x + 205, y + 40)
    time.sleep(0.5)
    key("alt+d")
    ask("hover", x=0, y=0)
    return x, y


def painted(image, count):
    """Paint as the dialog says: the painting, which makes so many layers, and the styles it was painted like."""
    key("alt+p")
    painting = layers(image, count)[0]
    return painting, parameters(painting)["styles"]


def layers(image, count):
    """The layers, as soon as there are so many and the dialog is gone."""
    wait_for(lambda: len(image.get_layers()) == count, f"{count} layers", 60)
    gone("^Style Transfer$")
    return image.get_layers()


def parameters(layer):
    """What was kept with a painting."""
    return json.loads(bytes(layer.get_parasite("impasto").get_data()))


def source(layer):
    """The number and the identity of the layer from which a painting was made."""
    tattoo, _, identity = parameters(layer)["source"].partition(":")
    return int(tattoo), identity


def settled(name, title):
    """A screenshot of a window in which nothing moves any more, as a pixbuf."""
    before = None
    for _ in range(150):
        time.sleep(0.4)  # with the shot no whole turn of the spinner, which would seem to stand
        # The gallery's pictures come one by one, and on a slow machine nothing moves between two of them.
        idle = jobs() == 0
        shot(name, title)
        picture = GdkPixbuf.Pixbuf.new_from_file(str(FOLDER.parent / "screenshots" / f"{name}.png"))
        if idle and picture.get_pixels() == before:
            return picture
        before = picture.get_pixels() if idle else None
    raise TimeoutError(f"the window {title} does not come to rest")


def jobs():
    return ask("server-jobs")


# --- images


def load(name):
    return Gimp.file_load(QUIET, Gio.File.new_for_path(str(FOLDER / name)))


def show(image):
    display = Gimp.Display.new(image)
    Gimp.displays_flush()
    window("GIMP$")
    return display


def new_image(width, height, base=BASE.RGB, kind=KIND.RGBA_IMAGE, precision=PRECISION.U8_NON_LINEAR, profile=None):
    """An image with a layer that shows a part of the photo, in whatever its pixels are."""
    image = Gimp.Image.new_with_precision(width, height, base, precision)
    if profile is not None:
        image.set_color_profile(profile)
    layer = Gimp.Layer.new(image, "source", width, height, kind, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    paint_photo(layer)
    return image, layer


def paint_photo(layer):
    photo = load("small.png")
    width, height = layer.get_width(), layer.get_height()
    put(layer, get(photo.get_layers()[0], (120, 20, width, height), "R'G'B'A u8"), "R'G'B'A u8")
    photo.delete()


def get(drawable, bounds=None, name=None):
    bounds = bounds or (0, 0, drawable.get_width(), drawable.get_height())
    return bytes(drawable.get_buffer().get(Gegl.Rectangle.new(*bounds), 1.0, name, Gegl.AbyssPolicy.NONE))


def put(drawable, data, name):
    width, height = drawable.get_width(), drawable.get_height()
    buffer = drawable.get_buffer()
    buffer.set(Gegl.Rectangle.new(0, 0, width, height), name, data)
    buffer.flush()
    drawable.update(0, 0, width, height)


def names(image):
    return [layer.get_name() for layer in image.get_layers()]


def format_name(drawable):
    return Babl.get_name(drawable.get_format())


def offsets(layer):
    return tuple(layer.get_offsets()[1:])


# --- the procedures


def call(name, image, drawables, mode=QUIET, **settings):
    """Call a procedure as scripts do: status, the layer it returns or None, error."""
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    config.set_property("run-mode", mode)
    config.set_property("image", image)
    config.set_core_object_array("drawables", drawables)
    for key, value in settings.items():
        config.set_property(key.replace("_", "-"), value)
    values = procedure.run(config)
    status = values.index(0)
    layer = values.index(1) if status == SUCCESS and values.length() > 1 else None
    return status, layer, Gimp.get_pdb().get_last_error()


def paint(image, layer, **settings):
    status, painting, error = call(STYLE_TRANSFER, image, [layer], **settings)
    assert status == SUCCESS, error
    return painting


def reference(regions, options, op="stylize"):
    """What the server answers to a direct request: {role: (format, bytes)}; regions are {role: (format, bytes)}."""
    sent = {}
    for role, (description, data) in regions.items():
        path = FOLDER / f"sent-{role}"
        path.write_bytes(data)
        sent[role] = {"format": description, "path": str(path)}
    answer = ask("request", op=op, options=options, regions=sent)
    return {role: (one["format"], Path(one["path"]).read_bytes()) for role, one in answer.items()}


def description(width, height, channels="RGBA", dtype="u8", encoding="srgb"):
    return {"width": width, "height": height, "channels": channels, "dtype": dtype, "encoding": encoding}


def run(steps):
    """Run a proof; an exception gives GIMP another exit status than 0."""
    try:
        steps()
    except BaseException as error:
        import traceback

        tell(failed=traceback.format_exc())
        if "DISPLAY" in os.environ and Gimp.get_images():
            shot("failed")
        raise error
    say("passed")
