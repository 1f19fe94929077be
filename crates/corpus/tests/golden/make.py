"""Writes tokenizers of the Python library for the tests: pip install tokenizers==0.23.3, then
run this in its folder. Both are trained on the project's own stories, line by line."""

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

with open("../../../../data/stories.txt", encoding="utf-8", newline="") as file:
    LINES = file.read().splitlines(keepends=True)
SPECIALS = ["[PAD]", "[UNK]", "[MASK]"]


def train(path, specials, alphabet):
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        min_frequency=2,
        special_tokens=specials,
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(LINES, trainer)
    tokenizer.save(path)


train("python_seed_recipe.json", SPECIALS, [])
train(
    "python_default_recipe.json",
    SPECIALS + ["<|endoftext|>"],
    pre_tokenizers.ByteLevel.alphabet(),
)
