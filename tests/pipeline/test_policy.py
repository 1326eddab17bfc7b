import pytest

from media_processor import errors
from media_processor.pipeline.policy import (
    OPERATOR_DELAY,
    Verdict,
    judge_delivery,
    judge_watermarking,
)
from media_processor.settings import WorkerSettings

_ANYWHERE = [
    (errors.BrokenPicture("x"), 0, Verdict(None, counts=True)),
    (errors.SpoolDamaged("x"), 0, Verdict(None, counts=True)),
    (errors.UnknownProfile("x"), 0, Verdict(None, counts=True)),
    (errors.LogoUnavailable("x"), 99, Verdict(OPERATOR_DELAY, counts=False)),
    (errors.StorageFull("x"), 99, Verdict(OPERATOR_DELAY, counts=False)),
    (errors.StorageFailing("x"), 99, Verdict(OPERATOR_DELAY, counts=False)),
    (errors.QueueUnavailable("x"), 99, Verdict(OPERATOR_DELAY, counts=False)),
    (errors.MediaProcessorError("x"), 99, Verdict(OPERATOR_DELAY, counts=False)),
]


@pytest.mark.parametrize(
    ("error", "attempts", "verdict"),
    [
        (errors.DecoderCrash("x"), 0, Verdict(2, counts=True)),
        (errors.TooSlow("x"), 2, Verdict(None, counts=True)),
        (errors.OutOfMemory("x"), 0, Verdict(2, counts=True)),
        (errors.OutOfMemory("x", for_good=True), 0, Verdict(None, counts=True)),
        *_ANYWHERE,
    ],
)
def test_a_failed_attempt_to_watermark(
    error: errors.MediaProcessorError, attempts: int, verdict: Verdict
) -> None:
    assert judge_watermarking(error, attempts, WorkerSettings()) == verdict


@pytest.mark.parametrize(
    ("error", "attempts", "verdict"),
    [
        (errors.CentralUnavailable("x"), 0, Verdict(10, counts=True, parks=True)),
        (errors.CentralUnavailable("x"), 4, Verdict(50, counts=True, parks=True)),
        (errors.CentralUnavailable("x"), 5, Verdict(None, counts=True, parks=True)),
        (errors.CentralRefused("x"), 0, Verdict(None, counts=True)),
        *_ANYWHERE,
    ],
)
def test_a_failed_attempt_to_deliver(
    error: errors.MediaProcessorError, attempts: int, verdict: Verdict
) -> None:
    assert judge_delivery(error, attempts, WorkerSettings()) == verdict
