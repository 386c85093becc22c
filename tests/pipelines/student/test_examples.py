"""The tokenised mixture on disk."""

import numpy as np
import pytest

from pipelines.errors import DataError
from pipelines.student.examples import open_tokenised, tokenise


def test_rows_hold_the_tokens_of_their_texts(examples, tokenizer, data):
    """Every row is the tokenizer's output, in the order of the mixture."""
    for row, example in enumerate(examples):
        assert tokenizer(example.input)["input_ids"] == data.input(row).tolist()
        assert tokenizer(example.target)["input_ids"] == data.target(row).tolist()
    assert [example.weight for example in examples] == data.weights.tolist()


def test_arrays_are_mapped_not_read(data):
    """Workers of one machine share the pages."""
    assert all(isinstance(array, np.memmap) for array in (data.input_tokens, data.target_tokens, data.weights))
    assert np.uint16 == data.input_tokens.dtype


def test_long_rows_are_dropped_and_counted(examples, tokenizer, tmp_path, data):
    """A row longer than a limit is neither cut nor kept."""
    limit = int(np.median(data.target_lengths))
    kept = tokenise(examples, tokenizer, tmp_path, 256, limit)
    assert (int((data.target_lengths <= limit).sum()), limit) == (len(kept), int(kept.target_lengths.max()))
    assert len(data) == len(kept) + kept.dropped


def test_unfinished_directory_is_refused(examples, tokenizer, tmp_path):
    """The card is written last; without it nothing opens."""
    tokenise(examples[:3], tokenizer, tmp_path, 256, 256)
    (tmp_path / "tokenised.json").unlink()
    with pytest.raises(DataError, match="no finished tokenised mixture"):
        open_tokenised(tmp_path)


def test_empty_mixture_opens(tokenizer, tmp_path):
    """A mixture may have no dev rows."""
    assert 0 == len(tokenise([], tokenizer, tmp_path, 256, 256))
