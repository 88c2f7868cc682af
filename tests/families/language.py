"""The language models in small, as the families' configurations hold them."""

from transformers import PreTrainedTokenizerFast

SPARE = 5  # published vocabularies are padded beyond the tokenizer's


def text_config(
    tokenizer: PreTrainedTokenizerFast, model_type: str, **changed: object
) -> dict[str, object]:
    """Two layers of width 32, four heads on two keys, and what a family changes."""
    return {
        "model_type": model_type,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": len(tokenizer) + SPARE,
        "max_position_embeddings": 2048,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        **changed,
    }


def id_of(tokenizer: PreTrainedTokenizerFast, mark: str) -> int:
    """The id of a special token that must be there."""
    found = tokenizer.convert_tokens_to_ids(mark)
    assert isinstance(found, int)
    assert found != tokenizer.unk_token_id or mark == tokenizer.unk_token
    return found
