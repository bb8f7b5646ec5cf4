"""What the configurations say of batches, queues and instances, by kind of machine.

Triton reads these numbers from the same files whichever backends it has. `any` is what is committed: it serves a laptop
and answers soon. The others are for data-centre GPUs; they are reasoned, not measured yet (docs/performance.md).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One model's numbers.

    Attributes:
        batch: most photos of one execution.
        instances: copies on each GPU; with the embedded server each is a process with a CUDA context of its own.
        queue: photos that may wait; the next one is refused at once.
        delay_us: how long a batch that is not full waits for more, in microseconds.
        threads: threads that decode, for each instance of ``preprocess``; None leaves it to ``dali.py``.
    """

    batch: int
    instances: int
    queue: int
    delay_us: int = 0
    threads: int | None = None


@dataclass(frozen=True)
class Profile:
    """The numbers of ``preprocess`` and of each network."""

    preprocess: Step
    network: Step


PROFILES = {
    "any": Profile(preprocess=Step(batch=16, instances=1, queue=64), network=Step(batch=16, instances=1, queue=256)),
    # 24 GB, four JPEG engines, usually beside 8 cores (g2-standard-8). Below a megapixel nvJPEG undoes JPEG's entropy
    # coding on the host, so cores bound it: two instances of three threads leave two cores for Triton and the gateway.
    # ResNet-50 at 192 pixels fills the GPU with 32 photos, so one network process is enough and no context is switched.
    "l4": Profile(
        preprocess=Step(batch=32, instances=2, queue=128, delay_us=500, threads=3),
        network=Step(batch=32, instances=1, queue=256, delay_us=300),
    ),
    # H100 and H200, beside 16 cores: 5,000 photos a second at some 1.5 ms of entropy coding each keep 8 cores busy;
    # four processes also share out what Python does for each request, about 0.1 ms. Of two network processes one
    # computes while the other takes its batch apart. The delays let the photos of one decoded batch meet again: under
    # load they cost nothing, idle less than a millisecond.
    "h100": Profile(
        preprocess=Step(batch=32, instances=4, queue=256, delay_us=500, threads=4),
        network=Step(batch=64, instances=2, queue=512, delay_us=300),
    ),
}
