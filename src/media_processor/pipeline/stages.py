"""The stages of the pipeline: one row each, in the order in which a picture passes them."""

from media_processor.pipeline import delivery, policy, watermarking
from media_processor.pipeline.stage import Stage

STAGES: tuple[Stage, ...] = (
    Stage(
        name=watermarking.NAME,
        task="watermark_image_task",
        run=watermarking.watermark,
        judge=policy.judge_watermarking,
        # One more than there are processes: while it waits, its picture's successor is
        # already claimed, so no process stands idle between two pictures.
        slots=lambda settings: settings.watermark_processes + 1,
        output="watermarked",
        needs_picture_processes=True,
    ),
    Stage(
        name=delivery.NAME,
        task="upload_to_central_task",
        run=delivery.deliver,
        judge=policy.judge_delivery,
        slots=lambda settings: settings.upload_concurrency,
    ),
)

FIRST = STAGES[0]
NAMES = tuple(stage.name for stage in STAGES)

_EVERY = "all"
CHOICES = (*NAMES, _EVERY)
"""What ``worker-server --stage`` takes."""


def stages_of(choice: str) -> tuple[Stage, ...]:
    """The stages that ``worker-server --stage CHOICE`` works on."""
    return tuple(stage for stage in STAGES if choice in (stage.name, _EVERY))


def following(stage: Stage, stages: tuple[Stage, ...] = STAGES) -> Stage | None:
    after = stages[stages.index(stage) + 1 :]
    return after[0] if after else None
