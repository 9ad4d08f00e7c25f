"""A sentence for a picture, by BLIP (Li et al. 2022: Bootstrapping Language-Image Pre-training)."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from modules.checkpoints.assembly import naming_the_file
from modules.foundation.errors import CheckpointError, reason_of
from modules.foundation.json_text import parse_json
from modules.interrogate.blip_keys import config_of, to_transformers
from modules.interrogate.options import InterrogateOptions
from modules.interrogate.pictures import CLIP_MEAN, CLIP_STD, normalised, stretched
from modules.interrogate.weights import module_with, read_config, read_tensors

if TYPE_CHECKING:
    from PIL import Image
    from tokenizers import Tokenizer

BEGINNING = "a picture of"
"""What every caption goes on from, and what is not named again."""

STOP = "[SEP]"
SPECIAL_WORDS = ("[PAD]", "[UNK]", "[CLS]", STOP, "[MASK]")


class Blip:
    """A loaded captioning model with its words."""

    def __init__(self, path: Path, words: Path, device: torch.device, dtype: torch.dtype) -> None:
        """Read the weights in `path` and the vocabulary in `words`. Raises CheckpointError naming the file."""
        self._device, self._dtype = device, dtype
        self._words = read_words(words)
        self._stop = self._words.get_vocab()[STOP]
        self.model = _model(path, device, dtype)
        self._start: int = self.model.config.text_config.bos_token_id
        self._side: int = self.model.config.vision_config.image_size

    def caption(self, image: Image.Image, options: InterrogateOptions) -> str:
        """A sentence for the picture, of so many tokens as the options say, without a full stop."""
        ids = self.caption_ids(image, options)
        prompt_length = len(self._beginning) - 1
        return self._words.decode(ids[prompt_length:], skip_special_tokens=True).strip()

    @torch.inference_mode()
    def caption_ids(self, image: Image.Image, options: InterrogateOptions) -> list[int]:
        """The ids of the caption's tokens, the beginning among them."""
        pixels = normalised(stretched(image, self._side), CLIP_MEAN, CLIP_STD).to(self._device, self._dtype)
        beginning = torch.tensor([self._beginning], device=self._device)
        most = max(options.most_length, beginning.shape[1] + 1)
        model: Any = self.model
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # transformers remarks on defaults of its own
            made = model.generate(
                pixels,
                input_ids=beginning,
                num_beams=options.beams,
                min_length=min(options.least_length, most),
                max_length=most,
                do_sample=False,
            )
        return [int(each) for each in made[0]]

    @property
    def _beginning(self) -> list[int]:
        """The tokens that a caption begins with, and one that is taken off again by the model."""
        words = self._words.encode(BEGINNING, add_special_tokens=False).ids
        return [self._start, *words, self._stop]


def read_words(path: Path) -> Tokenizer:
    """BERT's tokenizer, from its vocab.txt or tokenizer.json. Raises CheckpointError naming the file."""
    from tokenizers.implementations import BertWordPieceTokenizer

    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            vocabulary = {str(word): int(number) for word, number in parse_json(text)["model"]["vocab"].items()}
        else:
            vocabulary = {word.strip(): number for number, word in enumerate(text.splitlines())}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} is no vocabulary of BERT ({reason_of(error)}). Download it again.") from error
    if missing := [word for word in SPECIAL_WORDS if word not in vocabulary]:
        raise CheckpointError(
            f"{path} is no vocabulary of BERT: it lacks {missing[0]}. Take that of bert-base-uncased "
            "(https://huggingface.co/bert-base-uncased)."
        )
    made: Any = BertWordPieceTokenizer(vocabulary, lowercase=True)
    return made._tokenizer


def _model(path: Path, device: torch.device, dtype: torch.dtype) -> Any:
    from transformers import BlipConfig, BlipForConditionalGeneration

    with naming_the_file(path, "captioning model"):
        tensors = read_tensors(path)
        in_folder = (path.parent / "config.json").is_file() and path.suffix != ".pth"
        if in_folder:
            config = read_config(path.parent)
        else:
            tensors = to_transformers(tensors)
            config = config_of(tensors)

        def make() -> Any:
            return BlipForConditionalGeneration(BlipConfig(**config))

        return module_with(path, make, tensors, device, dtype)
