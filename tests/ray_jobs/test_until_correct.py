"""Adaptive draws against the rehearsal teacher: rounds of asking and proving until enough is right."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.config import RunConfig
from pipelines.errors import ConfigError
from pipelines.teacher import Costs, Price, Request
from ray_jobs import cli, sample, verify
from ray_jobs.journal import read_journal
from ray_jobs.plan import Seen
from ray_jobs.rounds import PILOT, Draws, costs_of, next_round
from ray_jobs.run_directory import RunDirectory

PROBLEMS, DRAWS = 30, 6


def config(folder: Path, *overrides: str) -> RunConfig:
    return cli.load_config(
        None,
        [
            f"run_dir={folder}",
            f"problems={{source: generated, count: {PROBLEMS}}}",
            "teacher={kind: rehearsal, rehearsal: {mistakes: 0.4}}",
            "mixture.dev_fraction=0",  # dev problems have one draw
            f"sampling={{thoughts: [cot, pot], draws: {DRAWS}, until_correct: 2, demonstrations: 0}}",
            *overrides,
        ],
    )


def counts(sample_ids: Sequence[str], right: set[str]) -> dict[str, tuple[list[int], int]]:
    """Of each problem and thought: the draws that were made, in order, and how many of them are right."""
    found: dict[str, tuple[list[int], int]] = {}
    for sample_id in sample_ids:
        key, draw = sample_id.rsplit("/", 1)
        draws, hits = found.get(key, ([], 0))
        found[key] = sorted([*draws, int(draw)]), hits + (sample_id in right)
    return found


def journal_ids(folder: Path) -> list[str]:
    return [row["sample_id"] for row in read_journal(RunDirectory(str(folder)))]


def test_drawing_stops_once_enough_is_right_and_goes_on_when_more_is_wanted(tmp_path: Path, ray_cluster: None) -> None:
    """Two right or all six draws; the same command asks nothing; three right extends and repeats nothing."""
    sample.command(config(tmp_path), dry_run=False)
    asked = journal_ids(tmp_path)
    sample.command(config(tmp_path, "verification.timeout_s=6"), dry_run=False)  # runs again, all from the journal
    assert asked == journal_ids(tmp_path)
    sample.command(config(tmp_path, "sampling.until_correct=3"), dry_run=False)
    more = journal_ids(tmp_path)
    assert asked == more[: len(asked)]
    assert len(asked) < len(more) == len(set(more))
    assert set(more) == {row["sample_id"] for row in pq.read_table(tmp_path / "samples").to_pylist()}

    verify.command(config(tmp_path), dry_run=False)
    verdicts = pq.read_table(tmp_path / "verdicts").to_pylist()
    right = {row["sample_id"] for row in verdicts if row["correct"] and row["status"] == "solved"}
    for needed, made in ((2, asked), (3, more)):
        drawn = counts(made, right)
        assert 2 * PROBLEMS == len(drawn)
        assert set() == {key for key, (draws, hits) in drawn.items() if hits < needed and len(draws) < DRAWS}
        assert set() == {key for key, (draws, _) in drawn.items() if draws != list(range(len(draws)))}
    assert len(asked) < 0.7 * DRAWS * 2 * PROBLEMS


def test_recipe_md_is_refused(tmp_path: Path) -> None:
    """Its weights are counts of right draws, which stopping early would bias."""
    with pytest.raises(ConfigError, match=r"sampling\.until_correct: .*'md'.* would bias; set until_correct to null"):
        config(tmp_path, "mixture.recipe=md")


def test_more_right_draws_than_draws_are_refused(tmp_path: Path) -> None:
    """It could never be reached."""
    with pytest.raises(ConfigError, match=r"sampling: .*until_correct 7 can never be reached with draws 6"):
        config(tmp_path, "sampling.until_correct=7")


def draws_of(problem: int, counts: tuple[int, int] = (0, 0), has_gold: bool = True) -> Draws:
    """A problem with (right, drawn) counts so far."""
    offered = [Request(problem_id=f"p/{problem}", thought="pot", draw=draw, question="?") for draw in range(DRAWS)]
    return Draws(offered, has_gold, made=set(range(counts[1])), judged=counts[1], right=counts[0])


def asked_of(draws: Sequence[Draws], needed: int = 1, ratio: float = 0.01) -> dict[str, list[tuple[int, int]]]:
    requests = next_round(draws, needed, DRAWS, {"pot": Costs(ratio, 1.0)})
    found: dict[str, list[tuple[int, int]]] = {}
    for request in requests:
        found.setdefault(request.problem_id, []).append((request.draw, request.draws))
    return found


def test_the_first_round_is_a_pilot() -> None:
    """Before anything is known only some problems are asked, spread over all, twice each."""
    found = asked_of([draws_of(problem) for problem in range(10 * PILOT)])
    assert [f"p/{10 * problem}" for problem in range(PILOT)] == list(found)
    assert {(0, 2)} == {request for requests in found.values() for request in requests}


def test_after_the_pilot_everyone_who_lacks_right_draws_is_asked() -> None:
    """Those with enough right, or with all draws made, are not."""
    pilot = [draws_of(problem, (1, 2)) for problem in range(PILOT)]
    found = asked_of([*pilot, draws_of(100), draws_of(101, (0, DRAWS)), draws_of(102, (0, 2))])
    assert {"p/100": [(0, 1)], "p/102": [(2, 1)]} == found


def test_problems_without_a_gold_answer_get_all_their_draws() -> None:
    """There is nothing to stop at, nor to wait for."""
    assert {"p/0": [(0, DRAWS)]} == asked_of([draws_of(0, has_gold=False)])


def test_a_draw_that_failed_is_not_asked_again_in_the_same_run() -> None:
    """It counts as made; the numbers on either side of it become requests of their own."""
    one = draws_of(0, (0, 1))
    one.made.add(2)
    pilot = [draws_of(problem, (1, 1)) for problem in range(1, PILOT)]
    assert {"p/0": [(1, 1), (3, 3)]} == asked_of([one, *pilot], ratio=1e6)


def test_costs_are_dollars_as_charged() -> None:
    """A prompt that was partly cached counts with what it cost."""
    seen = Seen(samples=4, first_draws=2, requests=2, prompt_tokens=2000, completion_tokens=400, dollars=0.0007)
    assert Costs(pytest.approx(0.00015), pytest.approx(0.0001)) == costs_of(seen, Price(0.2, 0.1, 1.0))


def test_costs_are_weighted_tokens_where_the_price_is_unknown() -> None:
    """A token of a completion counts as four of a prompt."""
    seen = Seen(samples=4, first_draws=2, requests=2, prompt_tokens=2000, completion_tokens=400)
    assert Costs(1000.0, 400.0) == costs_of(seen, None)


def test_an_endpoint_without_n_pays_a_prompt_for_each_completion() -> None:
    """Several draws of a problem were made, and no two shared a request."""
    seen = Seen(samples=4, first_draws=2, requests=4, prompt_tokens=4000, completion_tokens=400)
    assert Costs(0.0, 1400.0) == costs_of(seen, None)
