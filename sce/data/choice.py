"""Which reader a host's videos are read with, known without loading a decoder.

``SCELAB_READER`` names one: auto, pyav or torchcodec. ``auto`` is PyAV: our walk with it leaves out what no clip
shows and so needs less processor time (benchmarks/decode.py measures both), and it reads AVI with B-frames, which
says of no frame when it is shown.
"""

import os

VARIABLE = "SCELAB_READER"
PYAV, TORCHCODEC = "pyav", "torchcodec"


class NoReader(RuntimeError):
    """The reader that was named is not there; the message has the remedy."""


def chosen_reader() -> str:
    """``pyav`` or ``torchcodec``. Raises NoReader."""
    wish = os.environ.get(VARIABLE) or "auto"
    if wish not in ("auto", PYAV, TORCHCODEC):
        raise NoReader(f"{VARIABLE} is {wish!r}: choose auto, pyav or torchcodec.")
    return PYAV if wish == "auto" else wish
