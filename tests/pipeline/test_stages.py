"""What derives from the table of stages."""

import subprocess
import sys

from media_processor.pipeline.stages import CHOICES, STAGES, following, stages_of


def test_the_order_of_the_rows_is_the_way_of_a_picture() -> None:
    first, last = STAGES
    assert following(first) is last
    assert following(last) is None


def test_a_worker_takes_one_stage_or_all() -> None:
    assert CHOICES == ("watermark", "upload", "all")
    assert [stages_of(choice) for choice in CHOICES] == [STAGES[:1], STAGES[1:], STAGES]


def test_an_unknown_stage_names_the_choices() -> None:
    command = [sys.executable, "-m", "media_processor", "worker-server", "--stage", "paint"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "choose one of watermark, upload, all" in done.stderr
