"""Every family that gistrec supports, in small."""

from families.gemma3 import GEMMA3
from families.idefics3 import IDEFICS3
from families.internvl import INTERNVL
from families.llava import LLAVA
from families.llava_next import LLAVA_NEXT
from families.qwen2_5_vl import QWEN2_5_VL
from families.qwen2_vl import QWEN2_VL
from families.qwen3_vl import QWEN3_VL
from families.smolvlm import SMOLVLM
from families.tiny import TinyFamily

TINY: dict[str, TinyFamily] = {
    family.name: family
    for family in (
        IDEFICS3,
        SMOLVLM,
        LLAVA,
        LLAVA_NEXT,
        QWEN2_VL,
        QWEN2_5_VL,
        QWEN3_VL,
        GEMMA3,
        INTERNVL,
    )
}
