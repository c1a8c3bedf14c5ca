"""Another program that has copied something: python3 copied.py KIND FILE [SECONDS], which it takes to give it.

KIND is ``image/png`` or ``text/uri-list``. Says when it has the clipboard, and ends when somebody else has it.
"""

import sys
import time
from pathlib import Path

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, GLib, Gtk  # noqa: E402

kind, file, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 0.0


def give(widget, data, info, moment):
    time.sleep(seconds)
    content = f"{file.as_uri()}\r\n".encode() if kind == "text/uri-list" else file.read_bytes()
    data.set(Gdk.Atom.intern(kind, False), 8, content)


def take_clipboard():
    assert Gtk.selection_owner_set(owner, Gdk.SELECTION_CLIPBOARD, Gdk.CURRENT_TIME)
    print("copied", flush=True)


owner = Gtk.Invisible()
Gtk.selection_add_target(owner, Gdk.SELECTION_CLIPBOARD, Gdk.Atom.intern(kind, False), 0)
owner.connect("selection-get", give)
owner.connect("selection-clear-event", lambda *_: Gtk.main_quit())
owner.realize()
GLib.idle_add(take_clipboard)
Gtk.main()
