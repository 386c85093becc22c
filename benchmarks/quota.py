"""How much of a quota the sampler uses, and how often it is told to slow down (never, it should be).

    python benchmarks/quota.py requests       18,000 requests at 6,000 a minute, latencies 0.2-2 s
    python benchmarks/quota.py tokens         the same with tokens as the binding limit
    python benchmarks/quota.py cluster        the same on two nodes, one of them killed on the way
    python benchmarks/quota.py fast           30,000 requests at 30,000 a minute
    python benchmarks/quota.py unlimited      no quota known to the client: what the strict teacher then refuses
    python benchmarks/quota.py slots          no quota at all, 250 requests served at once, the window to be found

The teacher is a server in a process of its own. It answers 429 to what is above the quota in a sliding minute or
above twice the rate in a sliding second, and its own counts are what is printed.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
PER_MINUTE = 6_000
LATENCY_S = [0.2, 2.0]
CASES: dict[str, dict[str, Any]] = {
    "requests": {"requests": 18_000, "strict": {"requests_per_minute": PER_MINUTE}},
    "tokens": {"requests": 18_000, "strict": {"tokens_per_minute": 4_000_000}},
    "cluster": {"requests": 18_000, "strict": {"requests_per_minute": PER_MINUTE}},
    "fast": {"requests": 30_000, "strict": {"requests_per_minute": 30_000}},
    "unlimited": {"requests": 9_000, "strict": {"requests_per_minute": PER_MINUTE}},
    "slots": {"requests": 15_000, "strict": {"slots": 250}},
}


def start_teacher(strict: dict[str, Any], folder: Path, problems: int) -> tuple[subprocess.Popen[str], str]:
    """The strict teacher in a process of its own; returns it with its base URL."""
    config = folder / "teacher.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "run_dir": str(folder / "teacher"),
                "problems": {"source": "generated", "count": problems},
                "teacher": {"kind": "rehearsal", "rehearsal": {"latency_s": LATENCY_S, **strict}},
            }
        )
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "ray_jobs.teacher", "--config", str(config)], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    return process, line.split(" at ")[-1].strip()


def counts(base_url: str) -> dict[str, Any]:
    """What the teacher has seen."""
    with urllib.request.urlopen(base_url.replace("/v1", "/counts")) as page:
        return dict(json.load(page))


def main(case: str) -> None:
    """Run one case and print what the teacher counted."""
    wanted = CASES[case]
    problems = wanted["requests"] // 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        teacher, base_url = start_teacher(wanted["strict"], folder, problems)
        config = {
            "run_dir": str(folder / "run"),
            "problems": {"source": "generated", "count": problems},
            "teacher": {
                "kind": "openai",
                "model": "rehearsal",
                "base_url": base_url,
                **({} if case in ("unlimited", "slots") else wanted["strict"]),
            },
            "sampling": {"draws": 1, "demonstrations": 0},
        }
        (folder / "run.yaml").write_text(yaml.safe_dump(config))
        command = [sys.executable, "-m", "ray_jobs.sample", "--config", str(folder / "run.yaml")]
        started = time.monotonic()
        try:
            if case == "cluster":
                on_two_nodes(folder / "run.yaml")
            else:
                subprocess.run(command, cwd=ROOT, check=True)
            seen = counts(base_url)
        finally:
            teacher.terminate()
        wall_s = time.monotonic() - started
    quota = next(iter(wanted["strict"].values()))
    if "tokens_per_minute" in wanted["strict"]:
        a_request = seen["prompt_tokens"] / seen["answered"] + 512
        used = seen["per_minute"] * a_request / quota
    elif "slots" in wanted["strict"]:
        used = seen["per_minute"] / (60 * quota / (sum(LATENCY_S) / 2))
    else:
        used = seen["per_minute"] / quota
    overall = used * seen["per_minute_overall"] / seen["per_minute"]
    print(
        f"{case}: {seen['answered']:,} answered in {wall_s:.0f} s, {seen['over_quota']:,} answered 429, "
        f"{used:.1%} of the quota used, "
        f"{overall:.1%} from the first request to the last, {seen['repeats']} repeats, "
        f"at most {seen['most_at_once']} at once"
    )


def on_two_nodes(config: Path) -> None:
    """Sample with four samplers on a local two-node cluster; after 60 s one node is killed."""
    import ray
    from ray.cluster_utils import Cluster

    from ray_jobs import cli, sample
    from ray_jobs.session import quiet_ray_data

    os.environ["RAY_AUTH_MODE"] = "disabled"
    sample._PER_SAMPLER = 25  # four samplers, though one would do
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 200 * 2**20})
    second = cluster.add_node(num_cpus=1, object_store_memory=200 * 2**20)
    ray.init(address=cluster.address, logging_level="WARNING")
    quiet_ray_data()
    threading.Timer(60, lambda: cluster.remove_node(second, allow_graceful=False)).start()
    assert cli.main("sample", "", sample.command, ["--config", str(config)]) == 0
    ray.shutdown()
    cluster.shutdown()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "requests")
