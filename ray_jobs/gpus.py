"""The GPUs of the cluster as torch sees them, asked once by a task on a GPU node, before the first request.

    gpu_of_cluster()   -> Gpu(name="NVIDIA GeForce RTX 3090", memory_gib=23.7, bf16=True, torch="2.13.0+cu126",
                              compiler="/usr/bin/gcc", problem=None)

Ray counts what the driver lists (NVML); only torch knows whether it can compute there.
"""

import os
import shutil
from dataclasses import dataclass

from pipelines.config import RunConfig
from pipelines.errors import ConfigError
from ray_jobs.hardware import uses_gpu
from ray_jobs.stage import say

_PATIENCE_S = 600.0  # a GPU node may have to be started, and other work on it to end


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One GPU; ``problem`` says why torch cannot use it. ``compiler``: of C, which torch.compile needs."""

    name: str
    memory_gib: float
    bf16: bool
    torch: str
    compiler: str | None
    problem: str | None


def check_gpus(config: RunConfig) -> None:
    """Say which GPU the student is trained on; nothing is said where there is none and none is asked for.

    Raises:
        ConfigError: ``training.use_gpu`` is true and there is none, torch cannot use the one that Ray counts, or
            ``training.compile`` lacks a compiler there.
    """
    if not uses_gpu(config):
        return
    gpu = gpu_of_cluster()
    if gpu.problem is not None:
        raise ConfigError(
            f"training.use_gpu: Ray counts a GPU, but torch {gpu.torch} on its node cannot use it ({gpu.problem}); "
            "install torch for CUDA and a driver that is new enough, or set training.use_gpu=false"
        )
    if config.training.compile and gpu.compiler is None:
        raise ConfigError(
            "training.compile: true needs a C compiler on the GPU node, and there is none of $CC, gcc and clang; "
            "install one (apt install gcc) or set training.compile=false"
        )
    say(f"gpu: {gpu.name}, {gpu.memory_gib:.1f} GiB, {'bf16' if gpu.bf16 else 'no bf16'}, torch {gpu.torch}")
    if not gpu.bf16 and config.training.precision != "fp32":
        say(
            "gpu: without bf16 hardware the student trains in fp32 (fp16 makes T5 overflow): expect at most half the "
            "speed and twice the activation memory"
        )


def gpu_of_cluster() -> Gpu:
    """What a GPU worker would find.

    Raises:
        ConfigError: no GPU was free in ten minutes.
    """
    import ray

    found = ray.remote(num_gpus=1, num_cpus=0, max_retries=0)(describe_gpu).remote()
    try:
        gpu: Gpu = ray.get(found, timeout=_PATIENCE_S)
    except ray.exceptions.GetTimeoutError:
        ray.cancel(found)
        raise ConfigError(
            f"training.use_gpu: Ray counts a GPU, but none was free in {_PATIENCE_S / 60:.0f} minutes; "
            "end what holds it, or set training.use_gpu=false"
        ) from None
    return gpu


def describe_gpu() -> Gpu:
    """The first GPU that this process sees."""
    import torch

    compilers = map(shutil.which, filter(None, (os.environ.get("CC"), "gcc", "clang")))
    compiler = next(filter(None, compilers), None)
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]  # says why, where is_available only says no
        torch.zeros(1, device="cuda") + 1
        about = torch.cuda.get_device_properties(0)
    except (RuntimeError, AssertionError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return Gpu(name="", memory_gib=0.0, bf16=False, torch=torch.__version__, compiler=compiler, problem=reason)
    return Gpu(
        name=about.name,
        memory_gib=about.total_memory / 2**30,
        bf16=torch.cuda.is_bf16_supported(including_emulation=False),
        torch=torch.__version__,
        compiler=compiler,
        problem=None,
    )
