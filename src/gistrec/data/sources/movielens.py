"""MovieLens: 100K (u.data), 1M and 10M (ratings.dat), and the CSV of all later releases.

Forms after the READMEs at files.grouplens.org. The text of a movie is its genres.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.data.sources.delimited import Csv, Split
from gistrec.data.sources.fields import Field, Kind, TextTable, read_fields
from gistrec.data.sources.finding import find_files, only
from gistrec.data.sources.raw import Raw
from gistrec.errors import DataError

NAME = "movielens"
_PATTERNS = {
    "ratings": ("ratings.dat", "ratings.csv", "ratings.csv.gz", "u.data"),
    "movies": ("movies.dat", "movies.csv", "movies.csv.gz", "u.item"),
}
_RATINGS = ("userId", "movieId", "rating", "timestamp")
_GENRES_100K = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
)  # fmt: skip
_FIELDS_BEFORE_GENRES = 5  # id, title, release date, video release date, IMDb URL
_NO_GENRE = ("unknown", "(no genres listed)")


def read_movielens(paths: Sequence[Path]) -> Raw:
    """Read one MovieLens release from its folder or from its two files.

    Raises:
        DataError: a file is missing, or a row is malformed.
    """
    files = find_files(paths, _PATTERNS, NAME)
    ratings, movies = (only(files[part], part, NAME) for part in _PATTERNS)
    interactions = read_fields(
        _ratings_table(ratings),
        [
            Field(schema.USER_ID, "userId", Kind.ID),
            Field(schema.ITEM_ID, "movieId", Kind.ID),
            Field(schema.TIMESTAMP, "timestamp", Kind.TIME),
            Field(schema.RATING, "rating", Kind.NUMBER),
        ],
    )
    origin = f"{NAME}: {ratings.name}, {movies.name}"
    return Raw(_read_movies(movies), interactions, "movie", "watched", origin)


def _ratings_table(path: Path) -> TextTable:
    if path.name.lower() == "u.data":
        return Split(path, "\t", _RATINGS)
    if path.suffix == ".dat":
        return Split(path, "::", _RATINGS)
    return Csv(path)


def _read_movies(path: Path) -> pl.DataFrame:
    if path.name.lower() == "u.item":
        rows = [_movie_100k(path, number, line) for number, line in _lines(path)]
    elif path.suffix == ".dat":
        rows = [_movie_1m(path, number, line) for number, line in _lines(path)]
    else:
        return _movies_csv(path)
    names = (schema.ITEM_ID, schema.TITLE, schema.TEXT)
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def _movies_csv(path: Path) -> pl.DataFrame:
    fields = [
        Field(schema.ITEM_ID, "movieId", Kind.ID),
        Field(schema.TITLE, "title", Kind.TEXT),
        Field(schema.TEXT, "genres", Kind.TEXT),
    ]
    genres = (
        pl.col(schema.TEXT).replace(list(_NO_GENRE), "").str.replace_all("|", ", ", literal=True)
    )
    return read_fields(Csv(path), fields).with_columns(genres)


def _lines(path: Path) -> list[tuple[int, str]]:
    """Numbered lines of a small file: 1M and 100K are Latin-1, 10M is UTF-8."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    # splitlines() would also break at control characters that Latin-1 titles may hold.
    lines = enumerate((line.rstrip("\r") for line in text.split("\n")), start=1)
    return [(number, line) for number, line in lines if line]


def _movie_1m(path: Path, number: int, line: str) -> tuple[str, str, str]:
    # A title may hold "::"; ids and genres do not.
    movie, first, rest = line.partition("::")
    title, second, genres = rest.rpartition("::")
    if not (first and second and movie):
        raise DataError(f"{path}, line {number}: {line!r} is not id::title::genres")
    return movie, title, _named(genres.split("|"))


def _movie_100k(path: Path, number: int, line: str) -> tuple[str, str, str]:
    values = line.split("|")
    flags = values[_FIELDS_BEFORE_GENRES:]
    wanted = _FIELDS_BEFORE_GENRES + len(_GENRES_100K)
    if len(values) != wanted or not values[0]:
        raise DataError(f"{path}, line {number}: has {len(values)} fields instead of {wanted}")
    if bad := [flag for flag in flags if flag not in ("0", "1")]:
        raise DataError(f"{path}, line {number}, field 'genre': {bad[0]!r} is neither 0 nor 1")
    names = [name for name, flag in zip(_GENRES_100K, flags, strict=True) if flag == "1"]
    return values[0], values[1], _named(names)


def _named(genres: Sequence[str]) -> str:
    return ", ".join(genre for genre in genres if genre and genre not in _NO_GENRE)
