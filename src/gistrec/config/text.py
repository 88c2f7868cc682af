"""How texts are compared."""

from typing import Literal

# `minilm` is the packaged all-MiniLM-L6-v2, `lsa` is fitted on the catalogue's own texts, `auto`
# is the former where it is installed.
SentenceEncoderKind = Literal["auto", "minilm", "lsa"]
