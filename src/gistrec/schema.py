"""Every column name, file name and stratum, once."""

from typing import Final

# Columns of a dataset's items.parquet and interactions.parquet.
ITEM_ID: Final = "item_id"
TITLE: Final = "title"
TEXT: Final = "text"
IMAGE: Final = "image"
IMAGE_PATH: Final = "image_path"
IMAGE_URL: Final = "image_url"
CATEGORY: Final = "category"
USER_ID: Final = "user_id"
TIMESTAMP: Final = "timestamp"
RATING: Final = "rating"

# Files of a dataset folder.
ITEMS_FILE: Final = "items.parquet"
INTERACTIONS_FILE: Final = "interactions.parquet"
DATASET_FILE: Final = "dataset.json"
TRUTH_FOLDER: Final = "truth"  # only the bazaar has one: what its oracle knows

# Files of a run folder.
CONFIG_FILE: Final = "config.yaml"
MANIFEST_FILE: Final = "manifest.json"
LEADERBOARD_FILE: Final = "leaderboard.json"
RANKS_FOLDER: Final = "ranks"
TENSORBOARD_FOLDER: Final = "tensorboard"  # of a stage: to look at, nothing goes on from it

# Columns of gists.parquet: one row an item.
IMAGE_KEYWORDS: Final = "image_keywords"
TEXT_KEYWORDS: Final = "text_keywords"
IMAGE_SENTENCE: Final = "image_sentence"  # null in style keywords, as the two below
TEXT_SENTENCE: Final = "text_sentence"
SUMMARY: Final = "summary"
IMAGE_VALID: Final = "image_valid"  # whether there was an answer; null where nothing was asked
TEXT_VALID: Final = "text_valid"
SUMMARY_VALID: Final = "summary_valid"  # the same of the sentence that joins the two
MODEL: Final = "model"  # who answered
ADAPTER: Final = "adapter"  # null where the model had none
PROMPT_VERSION: Final = "prompt_version"
SECONDS: Final = "seconds"  # this item's share of the time that answering took

# Columns of the tables of tastes: one row a (user, moment), with MODEL to SECONDS as of gists.
BLOCK: Final = "block"  # how many blocks of the history a taste rests on
TASTE: Final = "taste"
TASTE_VALID: Final = "taste_valid"  # whether an answer told it; null where nothing was asked

# Columns of neighbours.parquet: one row a (user, moment, neighbour).
MOMENT: Final = "moment"  # how many of the user's interactions were known
NEIGHBOUR: Final = "neighbour"
SIMILARITY: Final = "similarity"
NEXT_ITEMS: Final = "next_items"

# Column of candidates.parquet: one row a (user, moment).
CANDIDATES: Final = "candidates"
SCORES: Final = "scores"

# Columns of ranks/<system>.parquet: one row a query.
POSITIVE: Final = "positive"
RANK: Final = "rank"
TIES: Final = "ties"
N_CANDIDATES: Final = "n_candidates"
AUC: Final = "auc"  # of this user alone
AUC_POOLED: Final = "auc_pooled"  # its mean over users is the AUC pooled over all pairs
RETRIEVED: Final = "retrieved"  # whether the ranker gave the positive a score at all
HISTORY_LENGTH: Final = "history_length"
TARGET_COUNT: Final = "target_count"  # how often the positive occurs in the training log

# Protocols: which candidates a positive is ranked among.
SAMPLED: Final = "sampled"
FULL: Final = "full"
COLD_SAMPLED: Final = "cold-sampled"
COLD_FULL: Final = "cold-full"

# Strata: training frequency of the target, as (label, lowest, highest).
FREQUENCY_STRATA: Final = (
    ("0", 0, 0),
    ("1-4", 1, 4),
    ("5-9", 5, 9),
    ("10-19", 10, 19),
    ("20-49", 20, 49),
    ("50+", 50, None),
)
# Strata: how many items the history holds.
LENGTH_STRATA: Final = (("1-4", 1, 4), ("5-9", 5, 9), ("10-19", 10, 19), ("20+", 20, None))

CUTOFFS: Final = (5, 10, 20)
