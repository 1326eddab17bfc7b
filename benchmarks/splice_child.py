"""Ours or Pillow in place, in a process of its own: `splice_child NAME PICTURE TARGET JOB`.

Watermarks the picture once, which tells the memory, and then as often as the job says, which tells
the time. Prints both, or why the splice declined.
"""

import contextlib
import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile, get_sampling

from benchmarks.splice_pictures import LIMITS, Case, logo
from benchmarks.splice_systems import OURS, PILLOW, placed
from media_processor.images import splice
from media_processor.images.codecs import Options
from media_processor.images.overlay import Overlay
from media_processor.images.probe import probe
from media_processor.images.profile import Profile

_RESET_PEAK = "5"  # proc_pid_clear_refs(5)


def main() -> None:
    name, source, target, told = sys.argv[1:]
    job = json.loads(told)
    profile, watermark = Profile(**job["profile"]), _WAYS[name]
    try:
        print(json.dumps(_measured(watermark, Path(source), Path(target), profile, job["times"])))
    except splice.Declined as declined:
        print(json.dumps({"declined": declined.reason}))


def _measured(
    watermark: Callable[[Case], bytes | memoryview],
    source: Path,
    target: Path,
    profile: Profile,
    times: int,
) -> dict[str, float]:
    """CPU time of all threads, in user and kernel mode, and bytes of memory at the most."""
    watermark(_tiny(source, profile))  # what is loaded late is loaded now
    with contextlib.suppress(OSError):  # without it the peak is told too high, never too low
        Path("/proc/self/clear_refs").write_text(_RESET_PEAK)
    before = _status("VmRSS")
    case = Case(source.stem, source, source.read_bytes(), None, 1, profile=profile)
    output = watermark(case)
    memory = _status("VmHWM") - before
    target.write_bytes(output)
    del output
    start = time.process_time()
    for _ in range(times):
        watermark(case)
    return {"milliseconds": (time.process_time() - start) * 1000 / times, "memory": memory}


def _tiny(source: Path, profile: Profile) -> Case:
    case, file = Case("tiny", source, b"", None, 1, profile=profile), io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, case.format)
    return Case("tiny", source, file.getvalue(), None, 1, profile=profile)


def _ours(case: Case) -> bytes | memoryview:
    # The worker's steps.
    info = probe(case.data, LIMITS)
    info.check_memory(LIMITS)
    overlay = Overlay([logo()], case.profile, info)
    watermarked = splice.watermark(case.data, info, overlay, Options(LIMITS))
    assert watermarked.method == "splice"
    return watermarked.data


def _pillow(case: Case) -> bytes:
    # As little as a user of Pillow can do, with the logo scaled and turned already.
    box, mark = placed(case)
    file = io.BytesIO()
    with Image.open(io.BytesIO(case.data), formats=[case.format]) as image:
        image.load()
        image.paste(mark.colours, (box.left, box.top), mark.alpha)
        image.save(file, case.format, **_alike(image))
    return file.getvalue()


def _alike(image: Image.Image) -> dict[str, object]:
    if not isinstance(image, JpegImageFile):
        return {"compress_level": 1}
    return {
        "qtables": image.quantization,
        "subsampling": get_sampling(image),
        "progressive": bool(image.info.get("progressive")),
        "exif": image.info.get("exif", b""),
    }


def _status(name: str) -> int:
    # In bytes; proc_pid_status(5) has kB.
    lines = Path("/proc/self/status").read_text().splitlines()
    (found,) = [line for line in lines if line.startswith(f"{name}:")]
    return int(found.split()[1]) * 1024


_WAYS: dict[str, Callable[[Case], bytes | memoryview]] = {OURS: _ours, PILLOW: _pillow}

if __name__ == "__main__":
    main()
