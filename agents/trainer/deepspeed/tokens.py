"""
How a training row becomes tokens.

The tokens of a prompt are those that a model server makes of the same prompt: of a text, the tokenizer's own with its special
tokens (`/v1/completions`); of a chat's messages, the tokenizer's chat template with the mark that the assistant speaks next
(`/v1/chat/completions`).
"""

from typing import TypedDict

from failure import TrainingFailure
from transformers import PreTrainedTokenizerBase

IGNORED = -100


class Turn(TypedDict):
    prompt: str
    completion: str


class Tokens(TypedDict):
    """One sequence; `labels` repeat the tokens that are learned and hold -100 elsewhere."""

    input_ids: list[int]
    labels: list[int]


class RowTokenizer:
    """`ends` are the tokens that end a generation: the tokenizer's and those of the model's generation config."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        *,
        chat: bool,
        completion_only: bool,
        ends: set[int],
        max_length: int | None,
        positions: int,
    ) -> None:
        self.tokenizer = tokenizer
        self.chat = chat
        self.completion_only = completion_only
        self.ends = ends
        self.max_length = max_length
        self.positions = positions

    def prompt(self, text: str) -> list[int]:
        """The tokens of a first prompt, as a model server makes them."""
        if self.chat:
            return self._render([{"role": "user", "content": text}], generate=True)
        return self.tokenizer(text)["input_ids"]

    def row(self, turns: list[Turn], place: str) -> Tokens:
        """
        A row, cut at the end to the longest that is allowed. TrainingFailure 'bad-data' names the place of one that cannot be learned:
        no token of it, or less than half of an answer that would have room but for its prompt.
        """
        tokens, learned = self._chat_turns(turns) if self.chat else self._text_turns(turns)
        longest = min(self.max_length or self.positions, self.positions)
        self._check_prompt(learned, longest, place)
        labels = [
            token if is_learned or not self.completion_only else IGNORED
            for token, is_learned in zip(tokens, learned, strict=True)
        ][:longest]
        # The first token is predicted from nothing, so it is never learned.
        if all(label == IGNORED for label in labels[1:]):
            raise TrainingFailure(
                "bad-data",
                f"{place}: no token to learn within the first {longest} tokens; "
                "shorten the prompt or raise training.options.maxLength",
            )
        return {"input_ids": tokens[:longest], "labels": labels}

    def _check_prompt(self, learned: list[bool], longest: int, place: str) -> None:
        """A cut may take the end of a long answer; the answer to a long prompt it would take whole."""
        prompt = learned.index(True)
        end = learned.index(False, prompt) if False in learned[prompt:] else len(learned)
        answer = end - prompt
        if answer <= longest // 2 and longest - prompt < answer / 2:
            raise TrainingFailure(
                "bad-data",
                f"{place}: its prompt has {prompt} of the {longest} tokens of a row, which leaves less than half of its answer; "
                "shorten the prompt or raise training.options.maxLength",
            )

    def _text_turns(self, turns: list[Turn]) -> tuple[list[int], list[bool]]:
        """Each turn's prompt, completion and end token, one after the other."""
        tokens: list[int] = []
        learned: list[bool] = []
        for turn in turns:
            first = not tokens
            asked = self.tokenizer(turn["prompt"], add_special_tokens=first)["input_ids"]
            answered = [*self._continue(turn, asked, first), self.tokenizer.eos_token_id]
            tokens += asked + answered
            learned += [False] * len(asked) + [True] * len(answered)
        return tokens, learned

    def _continue(self, turn: Turn, asked: list[int], first: bool) -> list[int]:
        """
        The completion's tokens as the model would go on from the prompt's. A tokenizer that sees both at once says so, unless it
        joins the two where they meet.
        """
        both = turn["prompt"] + turn["completion"]
        tokens = self.tokenizer(both, add_special_tokens=first)["input_ids"]
        if tokens[: len(asked)] == asked:
            return tokens[len(asked) :]
        return self.tokenizer(turn["completion"], add_special_tokens=False)["input_ids"]

    def _chat_turns(self, turns: list[Turn]) -> tuple[list[int], list[bool]]:
        """What the template makes of the conversation; learned are the assistant's tokens up to the one that ends its turn."""
        messages: list[dict[str, str]] = []
        tokens: list[int] = []
        learned: list[bool] = []
        for turn in turns:
            messages.append({"role": "user", "content": turn["prompt"]})
            asked = self._render(messages, generate=True)
            messages.append({"role": "assistant", "content": turn["completion"]})
            answered = self._render(messages, generate=False)
            self._check_goes_on(tokens, asked)
            self._check_goes_on(asked, answered)
            end = self._end_of(answered, len(asked))
            learned += [False] * (len(asked) - len(tokens))
            learned += [place <= end for place in range(len(asked), len(answered))]
            tokens = answered
        return tokens, learned

    def _render(self, messages: list[dict[str, str]], *, generate: bool) -> list[int]:
        return self.tokenizer.apply_chat_template(
            messages, add_generation_prompt=generate, tokenize=True, return_dict=False
        )

    def _check_goes_on(self, before: list[int], after: list[int]) -> None:
        if after[: len(before)] != before:
            raise TrainingFailure(
                "bad-spec",
                "the tokenizer's chat template rewrites earlier turns when another one follows, so training would see other "
                "tokens than sampling; use template alpaca or vicuna, or train on single turns",
            )

    def _end_of(self, tokens: list[int], start: int) -> int:
        ends = [place for place in range(start, len(tokens)) if tokens[place] in self.ends]
        if not ends:
            raise TrainingFailure(
                "bad-spec",
                "the tokenizer's chat template ends the assistant's turn with no token that ends a generation; set eos_token_id in "
                "generation_config.json to the one that it writes",
            )
        return ends[0]
