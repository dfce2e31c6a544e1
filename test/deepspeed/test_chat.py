"""By the chat template of a model too, a prompt's tokens are the same in training, sampling and evaluation, and those of transformers."""

import json
from pathlib import Path

import pytest
from chat_models import CHAT_MODELS, write_chat_model
from conftest import prompts_of
from failure import TrainingFailure
from jinja2 import Undefined
from tokens import IGNORED, RowTokenizer, check_chat
from transformers import AutoTokenizer, PreTrainedTokenizerBase

CONTEXT = "Ada lives in Oslo.\nBob — “Bö” — lives in Rome."
TURNS = [
    {"prompt": "What is red?", "completion": "The hat, \n I think."},
    {"prompt": "And blue?\n", "completion": "Nothing."},
    {"prompt": "Sure?", "completion": "Yes."},
]

# Behind <s> as a text of its own, their first word gets a space that it has not where the template writes <s>.
SPACED = ("vicuna", "inst")


class Model:
    def __init__(self, folder: Path, name: str) -> None:
        write_chat_model(folder, name)
        self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
        self.written = prompts_of("chat", folder=str(folder), context=CONTEXT, turns=TURNS)
        self.spaced = name in SPACED
        ends = set(json.loads((folder / "generation_config.json").read_text())["eos_token_id"])
        self.rows = RowTokenizer(
            self.tokenizer, completion_only=True, ends=ends, max_length=None, positions=4096
        )

    def own(self, turns: list[dict[str, str]], asked: str | None) -> list[int]:
        """What transformers makes of a conversation, on a day without a date; as a server of completions begins it."""
        messages = [
            {"role": role, "content": turn[key]}
            for turn in turns
            for role, key in (("user", "prompt"), ("assistant", "completion"))
        ]
        if asked is not None:
            messages.append({"role": "user", "content": asked})
        tokens = self.tokenizer.apply_chat_template(
            messages,
            add_generation_prompt=asked is not None,
            return_dict=False,
            strftime_now=Undefined(),
        )
        begins = self.tokenizer("")["input_ids"]
        tokens = tokens if tokens[: len(begins)] == begins else begins + tokens
        if not self.spaced:
            return tokens
        text = self.tokenizer.decode(tokens).removeprefix(self.tokenizer.bos_token)
        assert self.tokenizer.decode(self.tokenizer(text)["input_ids"][1:]) == f" {text}"
        return self.tokenizer(text)["input_ids"]


@pytest.fixture(scope="module", params=CHAT_MODELS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model(tmp_path_factory.mktemp("chat"), request.param)


def test_a_prompt_has_the_same_tokens_in_training_sampling_and_evaluation(model: Model) -> None:
    # What /v1/completions does.
    sampled = model.tokenizer(model.written["sampled"]["prompt"])["input_ids"]
    evaluated = model.tokenizer(model.written["evaluated"]["prompt"])["input_ids"]
    row = model.rows.row([model.written["trained"]], "here")
    first = next(at for at, label in enumerate(row["labels"]) if label != IGNORED)
    assert sampled == evaluated == row["input_ids"][:first]
    instruction = (
        "Answer to the question by extracting a specific text span from the given passages. "
        "Do not include new information beyond the given passages.\n"
    )
    message = (
        f"{instruction}Question: Where does Ada live?\n"
        "Passage: Ada lives in Oslo.\nPassage: Bob — “Bö” — lives in Rome."
    )
    assert sampled == model.own([], message)
    bos = model.tokenizer.bos_token_id
    assert bos is None or sampled.count(bos) <= 1


def test_an_answer_is_learned_up_to_the_token_at_which_sampling_stops(model: Model) -> None:
    row = model.rows.row([model.written["trained"]], "here")
    learned = [label for label in row["labels"] if label != IGNORED]
    end = model.written["end"]
    assert model.tokenizer.decode(learned).strip() == f"Oslo{end}"
    assert learned[-1] == model.tokenizer.convert_tokens_to_ids(end)
    assert learned[-1] in model.written["sampled"]["stop_token_ids"]
    assert set(model.written["sampled"]["stop_token_ids"]) == model.rows.ends


def test_of_a_conversation_the_assistants_turns_are_learned(model: Model) -> None:
    turns = model.written["turns"]
    row = model.rows.row(turns, "here")
    whole = model.own(TURNS, None)
    assert row["input_ids"] == whole[: len(row["input_ids"])]
    assert not model.tokenizer.decode(
        whole[len(row["input_ids"]) :], skip_special_tokens=True
    ).strip()
    for at, turn in enumerate(TURNS):
        text = (
            "".join(one["prompt"] + one["completion"] for one in turns[:at]) + turns[at]["prompt"]
        )
        asked = model.tokenizer(text)["input_ids"]
        assert asked == row["input_ids"][: len(asked)] == model.own(TURNS[:at], turn["prompt"])
        assert row["labels"][len(asked) - 1] == IGNORED
        assert row["labels"][len(asked)] == row["input_ids"][len(asked)]
    learned = [label for label in row["labels"] if label != IGNORED]
    decoded = model.tokenizer.decode(learned).split(model.written["end"])
    assert [text.strip() for text in decoded] == [*(turn["completion"] for turn in TURNS), ""]


def test_the_training_program_takes_what_the_run_writes_and_nothing_else(model: Model) -> None:
    chat = model.written["chat"]
    check_chat(model.tokenizer, chat)
    with pytest.raises(TrainingFailure, match=r"the run writes .* the tokenizer's chat template"):
        check_chat(model.tokenizer, {**chat, "prompt": "\n" + chat["prompt"]})
    twice = {**chat, "prompt": (model.tokenizer.bos_token or "<s>") * 2 + chat["prompt"]}
    with pytest.raises(TrainingFailure, match="so that both write the same") as caught:
        check_chat(model.tokenizer, twice)
    assert caught.value.kind == "bad-spec"
