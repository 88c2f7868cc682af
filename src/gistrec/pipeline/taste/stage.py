"""Stage `taste`: each user's preference in words, at every moment that prompts are made of."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from gistrec import schema
from gistrec.config.base import StageConfig
from gistrec.config.system import SystemConfig
from gistrec.config.taste import TasteConfig
from gistrec.data.sequences import Sequences
from gistrec.data.split import Split
from gistrec.errors import RunError
from gistrec.files import written_aside
from gistrec.mllm.engines.engine import Engine
from gistrec.mllm.prompts import PROMPT_VERSION
from gistrec.pipeline.collab import validating
from gistrec.pipeline.engines import answering, open_engine
from gistrec.pipeline.manifest import Facts, stage_fingerprint
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.taste.moments import asked_places, moments_of, told_of, training_places
from gistrec.pipeline.taste.quality import measured_tastes, write_quality
from gistrec.pipeline.workplace import Workplace
from gistrec.taste.quality import Held
from gistrec.taste.recurrent import Moment, tastes_after, tell_tastes
from gistrec.taste.telling import Teller, sampling_of, telling

TASTE = "taste"
_ANSWERS, _TRAINING, _ASKED = "answers.jsonl", "training.parquet", "asked.parquet"


class TasteSettings(StageConfig):
    """What decides this stage's result."""

    taste: TasteConfig
    windows: tuple[int | None, int, int]  # most, epochs, seed
    validation_users: int


@dataclass(frozen=True, eq=False)
class TasteTables:
    """The tables of the stage, in the columns of ``gistrec.taste.recurrent.Tastes``.

    Attributes:
        training: tastes of training windows.
        asked: tastes of validation, test and cold questions.
    """

    training: pl.DataFrame
    asked: pl.DataFrame

    @cached_property
    def of_training(self) -> dict[Moment, str]:
        """By user and moment."""
        return _by_moment(self.training)

    @cached_property
    def _of_asked(self) -> dict[Moment, str]:
        return _by_moment(self.asked)

    def of_asked(self, histories: Sequences) -> list[str]:
        """The taste of each user who is asked about.

        Raises:
            RunError: none was told of one.
        """
        keys = list(zip(histories.users.to_list(), histories.lengths.tolist(), strict=True))
        for user, moment in keys:
            if (user, moment) not in self._of_asked:
                raise RunError(f"no taste was told of user {user} after {moment} interactions")
        return [self._of_asked[key] for key in keys]


def taste_settings(config: SystemConfig) -> TasteSettings:
    """What of a run's configuration decides this stage's result."""
    recommender = config.recommender
    return TasteSettings(
        taste=config.taste.deciding(),
        windows=(recommender.max_windows, recommender.rounds, recommender.seed),
        validation_users=validating(config),
    )


def taste_stage(
    work: Workplace, split: Split, backbone: Path, gist_words: list[str]
) -> TasteTables | None:
    """Tell the tastes, or read them; None where prompts tell none.

    Answers of the stage's earlier tables are taken over where model, prompt and items are the same.

    Args:
        work: the run; the gist stage is finished in it.
        split: what may be known.
        backbone: folder of the finished stage `backbone`.
        gist_words: what each item is told by, unless by its title.

    Raises:
        EngineError: a server does not answer, or cannot.
    """
    config = work.config.taste
    if config.kind == "none":
        return None

    def build(folder: Path) -> Facts:
        training, asked = training_places(work, split), asked_places(work, split)
        places, lines = {**training, **asked}, _lines(work, gist_words)
        told = tell_tastes(
            _engine(work, backbone),
            lines,
            work.nouns,
            {name: place.items for name, place in places.items()},
            moments_of(places),
            config,
            folder / _ANSWERS,
            answering(work, config.engine, backbone),
            work.run / TASTE / _ANSWERS,
        )
        for part, file in ((training, _TRAINING), (asked, _ASKED)):
            with written_aside(folder / file) as aside:
                told_of(part, told.table).write_parquet(aside)
        quality = measured_tastes(work, places, told.table, lines)
        write_quality(folder, quality)
        return {
            "moments": len(told.table),
            "asked": told.asked,
            "asked_again": told.asked_again,
            "taken_over": told.taken_over,
            "kept": told.kept,
            "steps": told.steps,
            "calls_a_moment": round(told.calls_a_moment, 4),
            "asking_seconds": round(told.seconds, 3),
            "words_a_taste": round(quality.words, 2),
            "distinct_tastes": round(quality.distinct, 4),
            "f1": _f1(quality.true),
            "f1_of_keyword_count": _f1(quality.counted),
        }

    inputs = {
        "split": split.fingerprint,
        "gist": stage_fingerprint(work.run / "gist"),
        "prompts": PROMPT_VERSION,
    }
    if config.engine.kind == "local":
        inputs["backbone"] = stage_fingerprint(backbone)
    folder = run_stage(work.run, TASTE, taste_settings(work.config), inputs, build, code="3")
    return read_tastes(folder)


def read_tastes(folder: Path) -> TasteTables:
    """The tastes of a finished stage."""
    return TasteTables(pl.read_parquet(folder / _TRAINING), pl.read_parquet(folder / _ASKED))


@dataclass(frozen=True, eq=False)
class LiveTastes:
    """Tastes of any histories, told by the run's engine when they are asked for.

    Attributes:
        work: the run; its taste stage is finished.
        words: what each item is told by, unless by its title.
    """

    work: Workplace
    words: list[str]

    @cached_property
    def _opened(self) -> Engine:
        return _engine(self.work, self.work.run / "backbone")

    @contextmanager
    def teller(self) -> Iterator[Teller]:
        """A teller that knows the answers of the stage; those that it adds are not kept."""
        work, config = self.work, self.work.config.taste
        who = answering(work, config.engine, work.run / "backbone")
        with (
            TemporaryDirectory() as place,
            telling(
                self._opened,
                _lines(work, self.words),
                work.nouns,
                config,
                Path(place) / _ANSWERS,
                who,
                work.run / TASTE / _ANSWERS,
            ) as teller,
        ):
            yield teller

    def of_histories(self, histories: Sequences) -> list[str]:
        """The taste after each history."""
        with self.teller() as teller:
            return tastes_after(teller, [codes.tolist() for codes in histories], "tastes")


def _by_moment(table: pl.DataFrame) -> dict[Moment, str]:
    rows = table.select(schema.USER_ID, schema.MOMENT, schema.TASTE).iter_rows()
    return {(user, moment): taste for user, moment, taste in rows}


def _f1(held: Held | None) -> float | None:
    return None if held is None else round(held.f1, 4)


def _lines(work: Workplace, gist_words: list[str]) -> list[str]:
    return gist_words if work.config.taste.told_by == "gist" else work.titles


def _engine(work: Workplace, backbone: Path) -> Engine:
    config = work.config.taste
    return open_engine(
        work, config.engine, config.batch_size, backbone, sampling=sampling_of(config)
    )
