"""Whether accepted pictures move on: who works on them, and whether they are queued.

Both checks are ok in any state: pictures are accepted, and durable, all the same.
"""

from collections.abc import Sequence

from media_processor.jobs.systems import Presence
from media_processor.messages.base import Check
from media_processor.messages.fast_server import LiveWorker, QueueDepth
from media_processor.pipeline.stages import NAMES
from media_processor.work.media import age_seconds

# The reconciler queues what has no job within seconds, and an idle worker takes it at once.
_PATIENCE = 60.0


def check_workers(workers: Sequence[LiveWorker], presence: Presence) -> Check:
    if not workers:
        return Check(ok=True, state="error", detail=_nobody(presence))
    for stage in NAMES:
        if all(one.stage != stage for one in workers):
            detail = (
                f"No worker runs the stage {stage}. Start one: media-processor worker-server "
                f"--stage {stage}."
            )
            return Check(ok=True, state="error", detail=detail)
    if namesake := presence.namesake():
        return Check(ok=True, state="warning", detail=namesake)
    return Check(ok=True, detail=", ".join(f"{one.name} ({one.stage})" for one in workers))


def _nobody(presence: Presence) -> str:
    # One that has just started, or hangs, is announced without a heartbeat.
    return presence.why_alone("worker") or "No worker of this spool has a heartbeat; see its log."


def check_work(unfinished: Sequence[str], depths: Sequence[QueueDepth]) -> Check:
    """``unfinished`` are the ids of the spool's open media, oldest first."""
    if not unfinished:
        return Check(ok=True, detail="nothing is unfinished")
    age = age_seconds(unfinished[0])
    detail = f"{len(unfinished):,} unfinished, the oldest for {_duration(age)}"
    if age < _PATIENCE or any(at.running or at.retrying for at in depths):
        return Check(ok=True, detail=detail)
    why = "no worker takes them" if any(at.waiting for at in depths) else "none of them is queued"
    return Check(ok=True, state="warning", detail=f"{detail}, and {why}")


def _duration(seconds: float) -> str:
    for length, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
