"""Stage `evidence`: which items are alike in content; and evidence opened for prompts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from scipy import sparse

from gistrec.collab.content import alike_items
from gistrec.collab.evidence import Evidence
from gistrec.collab.evidence_cold import some_as_if_cold
from gistrec.collab.evidence_folds import out_of_fold_evidence
from gistrec.collab.evidence_words import evidence_lines, longest_line
from gistrec.collab.folds import fold_of
from gistrec.collab.paths import evidence_paths
from gistrec.config.base import StageConfig
from gistrec.config.evidence import EvidenceConfig
from gistrec.config.system import SystemConfig
from gistrec.config.text import SentenceEncoderKind
from gistrec.data.path import EvidencePath
from gistrec.data.sequences import IntArray, LongArray, Sequences
from gistrec.data.split import Split
from gistrec.files import fingerprint_of, written_aside
from gistrec.pipeline.baselines import open_encoder
from gistrec.pipeline.collab import fold_encoders
from gistrec.pipeline.manifest import Facts, stage_fingerprint
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.workplace import Workplace
from gistrec.recommender.windows import Windows
from gistrec.sequence.model import SequenceModel
from gistrec.text.encoder import open_sentence_encoder, resolved_kind

_FILE = "alike.npz"


class EvidenceSettings(StageConfig):
    """What decides which items are alike."""

    similar_items: int
    sentences: SentenceEncoderKind


@dataclass(frozen=True, eq=False)
class OpenEvidence:
    """Evidence, ready to be told.

    Attributes:
        evidence: by the whole training log and the encoder that trained on it.
        folder: of the finished collab stage, which keeps the encoders of the folds.
        config: of the run.
    """

    evidence: Evidence
    folder: Path
    config: SystemConfig

    def of_asked(self, histories: Sequences, asked: Sequence[Sequence[int]]) -> list[list[str]]:
        """A line for each candidate of users who are asked about."""
        return evidence_lines(self.evidence.of(histories, asked))

    def of_windows(self, windows: Windows, candidates: IntArray) -> list[list[str]]:
        """A line for each candidate [b, c] of b training windows, out of fold."""
        told = out_of_fold_evidence(
            self.evidence,
            self._encoders,
            windows.rows,
            windows.moments,
            candidates,
            self._fold,
        )
        # By the windows themselves, so that a resumed training is told the same.
        seed = [self.config.recommender.seed, *windows.rows.tolist(), *windows.moments.tolist()]
        return evidence_lines(some_as_if_cold(told, self.config.evidence.as_if_cold, seed))

    def paths(self, history: Sequences, candidate: int) -> list[EvidencePath]:
        """The strongest ways from one user's history to a candidate."""
        return evidence_paths(self.evidence, history, candidate)

    def longest_line(self, count: Callable[[str], int]) -> str:
        """The line that takes the most tokens, as ``count`` counts them."""
        return longest_line(self.config.evidence.kinds, self.evidence.log.n_items, count)

    @cached_property
    def _fold(self) -> LongArray:
        collab = self.config.collab
        return fold_of(self.evidence.log.train.users, collab.folds, collab.seed)

    @cached_property
    def _encoders(self) -> list[SequenceModel]:
        return fold_encoders(self.folder, self.config.collab.folds)


def evidence_stage(work: Workplace, words: Sequence[str]) -> Path:
    """Find which items are alike, by title, text and gist (``words``); or leave what stands."""
    config = work.config.evidence

    def build(folder: Path) -> Facts:
        parts = zip(work.titles, work.texts, words, strict=True)
        texts = ["\n".join(filter(None, told)) for told in parts]
        encoder = open_sentence_encoder(config.sentences, texts)
        alike = alike_items(texts, encoder, config.similar_items)
        with written_aside(folder / _FILE) as aside, aside.open("wb") as stream:
            sparse.save_npz(stream, alike)
        heard = int((alike.sum(axis=1) > 0).sum())
        return {"sentence_encoder": encoder.name, "items_with_alike": heard}

    inputs = {
        "dataset": work.dataset.fingerprint,
        "gist": stage_fingerprint(work.run / "gist"),
        "collab": stage_fingerprint(work.run / "collab"),
        "encoder": resolved_kind(config.sentences),
    }
    return run_stage(work.run, "evidence", evidence_settings(config), inputs, build)


def evidence_settings(config: EvidenceConfig) -> EvidenceSettings:
    """What decides which items are alike."""
    return EvidenceSettings(similar_items=config.similar_items, sentences=config.sentences)


def told_inputs(config: EvidenceConfig) -> dict[str, str]:
    """What else of evidence decides what prompts tell, as inputs of the stages that build them."""
    return {"told": fingerprint_of([*config.kinds, config.latest, config.as_if_cold])}


def open_evidence(work: Workplace, split: Split) -> OpenEvidence:
    """Evidence of a run whose stage is finished."""
    alike = sparse.csr_array(sparse.load_npz(work.run / "evidence" / _FILE))
    encoder = open_encoder(work.run, work.config.collab.encoder)
    evidence = Evidence.of_log(
        split.train, work.dataset.n_items, encoder, alike, work.config.evidence
    )
    return OpenEvidence(evidence, work.run / "collab", work.config)
