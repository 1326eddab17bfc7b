"""The file formats as containers: where pictures, colour profiles and notes lie in them.

One file a format; no pixel is ever decoded here, and what is read is bounded. ``info``
says what a picture is, ``metadata`` what goes with it, ``bare`` gives the smallest file
that still holds its pixels, so that a decoder meets nothing else.
"""

from mmap import mmap
from typing import TypeAlias

Data: TypeAlias = bytes | mmap
