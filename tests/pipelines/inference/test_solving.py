"""A question solved by a student that says what the test wants it to say."""

import math

import pytest

from pipelines.inference.confidence import Calibration, feature_names
from pipelines.inference.decoding import Decoded
from pipelines.inference.solving import Asked, solve, trained_limits, trained_thoughts
from pipelines.solvers import Sandbox


class Scripted:
    """A decoder that writes these completions, in turn."""

    def __init__(self, *decoded):
        self.decoded = list(decoded)

    def decode(self, inputs, **limits):
        self.inputs, self.limits = inputs, limits
        return [[self.decoded.pop(0)] for _ in inputs]


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(timeout_s=2, memory_mb=256) as opened:
        yield opened


def written(text, logprob=-0.5, finished=True):
    return Decoded(text, 5, finished, logprob)


def test_the_first_thought_that_solves_it_answers(sandbox):
    """With its own probability as the confidence; all thoughts are shown."""
    decoder = Scripted(
        written("ans = 1 / 0"), written("ans = 40 - 11", math.log(0.25)), written("The answer is 30.", 0.0)
    )
    [solution] = solve([Asked("How many?")], decoder, ["pot", "eot", "cot"], sandbox)
    assert ("29", "eot", pytest.approx(0.25)) == (solution.answer, solution.chosen, solution.confidence)
    assert ["runtime_error", "solved", "solved"] == [thought.status for thought in solution.thoughts]
    assert [None, "29", "30"] == [thought.answer for thought in solution.thoughts]


def test_a_calibrated_student_says_how_often_such_answers_are_right(sandbox):
    """Not how probable the words are: here only agreement counts, one nat for each other thought that agrees."""
    weights = {"agreement cot": 1.0, "agreement pot": 1.0}
    names = feature_names(("cot", "pot"))
    model = Calibration(
        ("cot", "pot"), (0.0,) * len(names), (1.0,) * len(names), (*(weights.get(n, 0.0) for n in names), 0.0), 9, 5, 5
    )
    agree = Scripted(written("ans = 3", -9.0), written("The answer is 3.0."))
    differ = Scripted(written("ans = 3", -9.0), written("The answer is 4."))
    sure, unsure = (solve([Asked("?")], d, ["pot", "cot"], sandbox, model)[0].confidence for d in (agree, differ))
    assert (pytest.approx(1 / (1 + math.exp(-1))), pytest.approx(0.5)) == (sure, unsure)


def test_all_thoughts_fail(sandbox):
    """No answer, and no confidence; what was cut off is no proof."""
    decoder = Scripted(written("ans = 3", finished=False), written("nothing"))
    [solution] = solve([Asked("How many?")], decoder, ["pot", "cot"], sandbox)
    assert (None, None, 0.0) == (solution.answer, solution.chosen, solution.confidence)


def test_questions_keep_their_thoughts(sandbox):
    """In the order asked, each with its own trigger and kind of answer."""
    decoder = Scripted(written("ans = 1"), written("The answer is 2."), written("ans = True"), written("So yes."))
    asked = [Asked("One?"), Asked("Is it?", "boolean")]
    solutions = solve(asked, decoder, ["pot", "cot"], sandbox)
    assert ["1", "yes"] == [solution.answer for solution in solutions]
    assert ["One?", "One?", "Is it?", "Is it?"] == [text.split("\n")[0][10:] for text in decoder.inputs]
    assert 4 == len(set(decoder.inputs))


def test_a_student_says_what_it_was_trained_on():
    """In the order of preference; a foreign one is asked for every thought; an unknown one is left out."""
    trained = {"thought_distill": {"thoughts": {"cot": "", "pot": "", "song": ""}}}
    assert ["pot", "cot"] == trained_thoughts(trained)
    assert ["pot", "eot", "cot"] == trained_thoughts({})


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"thought_distill": {"max_input_tokens": 512, "max_target_tokens": 384}}, (384, 512)),
        ({}, (256, 256)),
    ],
)
def test_a_student_is_decoded_within_the_lengths_it_was_trained_on(sandbox, config, expected):
    """Else longer thoughts would be cut, and questions lose their beginning."""
    decoder = Scripted(written("ans = 3"))
    solve([Asked("?")], decoder, ["pot"], sandbox, limits=trained_limits(config))
    assert expected == (decoder.limits["max_tokens"], decoder.limits["max_input_tokens"])
