"""Pretrained students in the layouts in which they are published, and what is refused before anything is spent."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from pipelines.config import StudentConfig
from pipelines.errors import ConfigError, DataError
from pipelines.student.byte_fallback import first_new_token
from pipelines.student.model import load
from pipelines.student.pretrained import commit, open_model, open_tokenizer
from pipelines.student.tokenizer import check_round_trip

TEXT = 'def f(x):\n    return f"{x} </s> <pad> <unk> <mask> <extra_id_3>" # ½'


def opened(folder):
    return load(StudentConfig(model=str(folder)), (), 0)


@pytest.fixture
def codet5(codet5_files, tmp_path):
    """A copy to break."""
    return shutil.copytree(codet5_files, tmp_path / "codet5")


def test_codet5_opens_with_its_sentinels_in_the_files_order(codet5):
    """Special tokens that are listed as dictionaries; ids as transformers 4 gave them."""
    model, tokenizer = opened(codet5)
    added = json.loads((codet5 / "added_tokens.json").read_text())
    assert added == {token: tokenizer.convert_tokens_to_ids(token) for token in added}
    assert len(tokenizer) == model.config.vocab_size


def test_codet5_opens_where_the_tokenizers_configuration_has_the_dictionaries(codet5):
    """The other file that may hold them."""
    listed = json.loads((codet5 / "special_tokens_map.json").read_text())["additional_special_tokens"]
    content = json.loads((codet5 / "tokenizer_config.json").read_text())
    content["additional_special_tokens"] = listed
    (codet5 / "tokenizer_config.json").write_text(json.dumps(content))
    added = json.loads((codet5 / "added_tokens.json").read_text())
    tokenizer = open_tokenizer(str(codet5), None)
    assert added == {token: tokenizer.convert_tokens_to_ids(token) for token in added}


@pytest.mark.parametrize("files", ["codet5_files", "t5_files"])
def test_a_target_survives_and_reopening_gives_the_same_ids(files, tmp_path, request):
    """Control tokens in a text are text, newlines and braces are kept, in memory and from an export's files."""
    folder = request.getfixturevalue(files)
    tokenizer = open_tokenizer(str(folder), None)
    check_round_trip(tokenizer, [TEXT])
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer(TEXT)["input_ids"] == again(TEXT)["input_ids"]
    check_round_trip(again, [TEXT])


@pytest.mark.parametrize("files", ["codet5_files", "t5_files"])
def test_a_tokenizer_json_beside_the_other_files_opens_as_they_do(files, tmp_path, request):
    """As CodeT5+ and FLAN-T5 publish theirs, the weights in half precision, with a type that says so."""
    folder = Path(shutil.copytree(request.getfixturevalue(files), tmp_path / "published"))
    sentinels = [f"<extra_id_{number}>" for number in range(99, -1, -1)]
    original = AutoTokenizer.from_pretrained(folder, additional_special_tokens=sentinels)
    original.backend_tokenizer.save(str(folder / "tokenizer.json"))
    weights = torch.load(folder / "pytorch_model.bin")
    torch.save({name: weight.half() for name, weight in weights.items()}, folder / "pytorch_model.bin")
    configuration = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**configuration, "torch_dtype": "float16"}))
    model, tokenizer = opened(folder)
    assert open_tokenizer(str(request.getfixturevalue(files)), None)(TEXT)["input_ids"] == tokenizer(TEXT)["input_ids"]
    check_round_trip(tokenizer, [TEXT])
    assert {torch.float32} == {parameter.dtype for parameter in model.parameters()}


def test_t5_gets_embeddings_for_its_new_tokens(t5_files):
    """At the mean of the old ones, in both matrices of an untied model; fp16 files train in fp32."""
    model, tokenizer = opened(t5_files)
    first = first_new_token(tokenizer)
    for matrix in (model.get_input_embeddings().weight, model.get_output_embeddings().weight):
        assert (len(tokenizer), torch.float32) == (matrix.shape[0], matrix.dtype)
        torch.testing.assert_close(matrix[first:], matrix[:first].mean(0).expand(len(tokenizer) - first, -1))
    assert len(tokenizer) == model.config.vocab_size


def test_an_exported_t5_is_a_student_again(t5_files, tmp_path):
    """Its tokenizer has byte fallback already, and nothing is added twice."""
    model, tokenizer = opened(t5_files)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again, its_tokenizer = opened(tmp_path)
    assert len(tokenizer) == len(its_tokenizer)
    assert torch.equal(model.shared.weight, again.shared.weight)


def test_a_sharded_or_safetensors_checkpoint_opens(codet5, tmp_path):
    """However the weights are stored."""
    expected = torch.load(codet5 / "pytorch_model.bin")["shared.weight"]
    model = AutoModelForSeq2SeqLM.from_pretrained(codet5)
    (codet5 / "pytorch_model.bin").unlink()
    model.save_pretrained(codet5, max_shard_size="20KB")
    assert len(list(codet5.glob("*.safetensors"))) > 1
    assert torch.equal(expected, opened(codet5)[0].shared.weight)


def test_a_checkpoint_that_cannot_train_is_refused_in_one_line(broken_students, monkeypatch):
    """It names what is wrong and what to do, and asks nothing at a terminal."""
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("a question at the terminal"))
    for folder, expected in broken_students.values():
        with pytest.raises((ConfigError, DataError), match=expected) as refused:
            opened(folder)
        assert str(refused.value).startswith("student.model: ")
        assert "\n" not in str(refused.value)


def test_a_tokenizer_that_never_ends_a_text_is_refused(tmp_path):
    """A student that never learns to stop is of no use."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    backend = ByteLevelBPETokenizer()
    backend.train_from_iterator(["a b"], vocab_size=300, special_tokens=["<pad>", "</s>"], show_progress=False)
    PreTrainedTokenizerFast(tokenizer_object=backend._tokenizer, eos_token="</s>").save_pretrained(tmp_path)
    with pytest.raises(DataError, match=r"does not end a text with its end token \(</s>\)"):
        open_tokenizer(str(tmp_path), None)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    """No word of a hub for a path."""
    with pytest.raises(DataError, match=r"nowhere: no such directory"):
        open_tokenizer(str(tmp_path / "nowhere"), None)


def test_the_commit_of_a_hub_checkpoint_is_that_of_its_cache(tmp_path, monkeypatch):
    """A branch name becomes the commit that was downloaded; a local folder has none."""
    sha = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "models--me--student"
    (repository / "snapshots" / sha).mkdir(parents=True)
    (repository / "snapshots" / sha / "config.json").write_text("{}")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(sha)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("transformers.utils.hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert (sha, sha) == (commit("me/student", None), commit("me/student", "main"))
    assert commit(str(tmp_path), None) is None
    with pytest.raises(DataError, match=r"cannot open me/student at v2"):
        commit("me/student", "v2")


def test_codet5s_own_files_open_as_transformers_4_opened_them(real_data, t5_files, tmp_path):
    """The real vocabulary: 32,100 tokens, ids of 4.57.6, and every recorded target survives exactly, T5's too."""
    from transformers import T5Config, T5ForConditionalGeneration

    folder = shutil.copytree(real_data / "codet5_tokenizer", tmp_path / "codet5")
    tokenizer = open_tokenizer(str(folder), None)
    assert 32_100 == len(tokenizer)
    assert [1, 2, 0, 3, 32_099, 32_000] == tokenizer.convert_tokens_to_ids(
        ["<s>", "</s>", "<pad>", "<unk>", "<extra_id_0>", "<extra_id_99>"]
    )
    assert [1, 536, 284, 12, 92, 4672, 203, 565, 327, 288, 92, 97, 2] == tokenizer("def f(x):\n    return {x}")[
        "input_ids"
    ]
    targets = [
        json.loads(line)["completion"]
        for thought in ("cot", "pot", "eot")
        for line in (real_data / "recorded" / f"gsm8k_train_codex_{thought}.jsonl").read_text().splitlines()
    ]
    assert 1_425 == len(targets)
    for its in (tokenizer, open_tokenizer(str(t5_files), None)):
        written = its(targets, verbose=False)["input_ids"]
        assert targets == its.batch_decode(written, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    model = T5ForConditionalGeneration(T5Config.from_pretrained(folder, d_model=8, d_ff=8, num_layers=1))
    model.save_pretrained(folder)
    assert 32_100 == open_model(str(folder), None, tokenizer).config.vocab_size
