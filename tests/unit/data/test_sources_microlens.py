import pytest

from gistrec.data.sources.microlens import read_microlens
from gistrec.errors import DataError

PAIRS = "user,item,timestamp\n1,100,1583378629552\n1,7,1584541392010\n2,100,1584541392011\n"


def test_pairs_with_times_and_titles_with_a_header(tmp_path):
    (tmp_path / "MicroLens-50k_pairs.csv").write_text(PAIRS)
    (tmp_path / "MicroLens-50k_titles.csv").write_text(
        'item,title\n7,"Cats, dogs and ""friends"""\n100,Plain title\n'
    )
    raw = read_microlens([tmp_path])
    assert raw.items.rows() == [("7", 'Cats, dogs and "friends"'), ("100", "Plain title")]
    assert raw.interactions.rows() == [
        ("1", "100", 1583378629552),
        ("1", "7", 1584541392010),
        ("2", "100", 1584541392011),
    ]
    assert (raw.item_noun, raw.verb, raw.notes) == ("video", "watched", ())


def test_headerless_titles_keep_their_commas_quotes_and_line_ends(tmp_path):
    (tmp_path / "x_pairs.csv").write_text(PAIRS)
    (tmp_path / "x_title_en.csv").write_text(
        "1,First, with a comma\n"
        '2,5" pizza, hot\n'
        '3,"two\nlines"\n'
        '4,"stray quote\n'
        "5,\n"
        '6,"A", said "B"\n'
        "\n"
        "7,last"
    )
    raw = read_microlens([tmp_path])
    assert raw.items.rows() == [
        ("1", "First, with a comma"),
        ("2", '5" pizza, hot'),
        ("3", "two\nlines"),
        ("4", '"stray quote'),
        ("5", ""),
        ("6", '"A", said "B"'),
        ("7", "last"),
    ]


def test_sequences_get_their_positions_as_times(tmp_path):
    (tmp_path / "MicroLens-50k_pairs.tsv").write_text("1\t30 10 20\n2\t10\n")
    raw = read_microlens([tmp_path])
    assert raw.interactions.rows() == [
        ("1", "30", 0), ("1", "10", 1), ("1", "20", 2), ("2", "10", 0),
    ]  # fmt: skip
    assert [note.what for note in raw.notes] == ["no times in the log: positions stand for them"]
    assert raw.items.is_empty()


def test_times_are_preferred_where_both_logs_lie(tmp_path):
    (tmp_path / "a_pairs.tsv").write_text("1\t30 10 20\n")
    (tmp_path / "a_pairs.csv").write_text(PAIRS)
    assert read_microlens([tmp_path]).interactions.height == 3


def test_pairs_without_a_header(tmp_path):
    (tmp_path / "a_pairs.csv").write_text(PAIRS.partition("\n")[2])
    assert read_microlens([tmp_path]).interactions["item_id"].to_list() == ["100", "7", "100"]


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("a_pairs.csv", PAIRS + "3,4\n", r"line 5: has 2 fields"),
        ("a_pairs.csv", PAIRS + "3,4,soon\n", r"line 5, field 'timestamp': is 'soon'"),
        ("a_pairs.tsv", "1\t2 3\n2\n", r"line 2: has 1 fields instead of 2"),
        ("a_pairs.tsv", "1\t2 3\n2\t\n", r"line 2, field 'items': is missing"),
    ],
)
def test_a_malformed_row_is_named(tmp_path, file, text, says):
    (tmp_path / file).write_text(text)
    with pytest.raises(DataError, match=rf"{file}, {says}"):
        read_microlens([tmp_path])


def test_a_malformed_title_is_named(tmp_path):
    (tmp_path / "a_pairs.csv").write_text(PAIRS)
    (tmp_path / "a_titles.csv").write_text("item,title\n1,One\nnot a title\n")
    with pytest.raises(DataError, match=r"a_titles\.csv, line 3: 'not a title'"):
        read_microlens([tmp_path])


def test_text_that_is_not_utf_8_is_said(tmp_path):
    (tmp_path / "a_pairs.csv").write_bytes(PAIRS.encode() + "3,é,5\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"a_pairs\.csv.*not UTF-8"):
        read_microlens([tmp_path])
