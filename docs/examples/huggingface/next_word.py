"""The next word of a peer's own texts, by adapters (LoRA) on a language model that nobody trains.

Without options the model is a small one of random weights, and a word is a number that its letters give, so that it
runs anywhere. With `--option base=distilgpt2` weights and tokeniser come from the Hugging Face hub.
"""

import zlib
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config

WORDS, LENGTH = 512, 16
IGNORED = -100


class NextWord:
    learning_rate = 0.01
    optimizer = "adamw"
    batch_size = 8
    figures = {"top3": "higher", "accuracy": "higher"}  # noqa: RUF012

    def __init__(self, data: Path | None = None, base: str = "", revision: str = "main", seed: int = 0) -> None:
        """data: a folder of .txt and .md files. base, revision: of the hub; the same for all peers."""
        self.folder, self.base, self.revision, self.seed = data, base, revision, seed

    def model(self) -> nn.Module:
        if self.base:
            base = AutoModelForCausalLM.from_pretrained(self.base, revision=self.revision)
        else:
            shape = {"n_positions": LENGTH, "n_embd": 64, "n_layer": 2, "n_head": 2}
            base = AutoModelForCausalLM.from_config(
                GPT2Config(vocab_size=WORDS, bos_token_id=0, eos_token_id=0, **shape)
            )
        # Draws from torch's generator, so every peer's adapters begin alike.
        return get_peft_model(base, LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM"))

    def data(self, seat: int, seats: int) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Nine tenths of the peer's texts."""
        x, y = self._windows()
        kept = torch.arange(len(y)) % 10 != 9
        return {name: part[kept] for name, part in x.items()}, y[kept]

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """On the last tenth: how often the word is the likeliest, and among the three likeliest."""
        if self.folder is None:
            return {}
        x, y = self._windows()
        held = torch.arange(len(y)) % 10 == 9
        logits = model(**{name: part[held] for name, part in x.items()}).logits
        wanted, guesses = y[held], logits.topk(3).indices
        right, counted = guesses == wanted[..., None], wanted != IGNORED
        return {
            "top3": right.any(-1)[counted].float().mean().item(),
            "accuracy": right[..., 0][counted].float().mean().item(),
        }

    def _windows(self) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Token numbers and their mask (n, LENGTH), and the tokens that follow; padding is ignored."""
        if self.folder is None:
            raise ValueError("name the folder of your texts with --data")
        texts = [path.read_text() for path in sorted(self.folder.rglob("*")) if path.suffix in {".txt", ".md"}]
        tokens = [token for text in texts for token in self._tokens(text)]
        rows = [tokens[at : at + LENGTH + 1] for at in range(0, len(tokens) - 1, LENGTH)]
        whole = torch.zeros(len(rows), LENGTH + 1, dtype=torch.long)
        mask = torch.zeros_like(whole)
        for row, some in enumerate(rows):
            whole[row, : len(some)], mask[row, : len(some)] = torch.tensor(some), 1
        y = whole[:, 1:].masked_fill(mask[:, 1:] == 0, IGNORED)
        return {"input_ids": whole[:, :-1], "attention_mask": mask[:, :-1]}, y

    def _tokens(self, text: str) -> list[int]:
        if self.base:
            return list(AutoTokenizer.from_pretrained(self.base, revision=self.revision)(text)["input_ids"])
        return [zlib.crc32(word.lower().encode()) % WORDS for word in text.split()]
