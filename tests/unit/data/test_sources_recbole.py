import pytest

from gistrec.data.sources.columns import parse_column_map
from gistrec.data.sources.recbole import read_recbole
from gistrec.errors import DataError

INTER = (
    "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    "196\t242\t3\t881250949\n186\t302\t3.5\t891717742.0\n"
)
ITEM = (
    "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\tlength:float\n"
    '242\t"Kolya" and more\t1996\tComedy\t105\n'
    "302\tL.A. Confidential\t1997\tCrime Thriller\t\n"
)


def written(folder, inter=INTER, item=ITEM):
    (folder / "ml.inter").write_text(inter)
    if item:
        (folder / "ml.item").write_text(item)
    return folder


def test_typed_headers_are_read(tmp_path):
    raw = read_recbole([written(tmp_path)])
    assert raw.interactions.rows() == [
        ("196", "242", 881250949, 3.0),
        ("186", "302", 891717742, 3.5),
    ]
    assert raw.items.select("item_id", "title", "length", "text").rows() == [
        ("242", '"Kolya" and more', 105.0, "release_year: 1996\nclass: Comedy"),
        ("302", "L.A. Confidential", None, "release_year: 1997\nclass: Crime Thriller"),
    ]


def test_other_field_names_are_mapped(tmp_path):
    inter = "session:token\tproduct:token\n1\ta\n1\tb\n"
    item = "product:token\tlabel:token\na\tApple\nb\tBook\n"
    columns = parse_column_map(["user_id=session", "item_id=product", "title=label"])
    raw = read_recbole([written(tmp_path, inter, item)], columns)
    assert raw.interactions.rows() == [("1", "a", 0), ("1", "b", 1)]
    assert raw.items.rows() == [("a", "Apple"), ("b", "Book")]
    assert raw.notes[0].what.startswith("no times")


def test_items_may_be_absent(tmp_path):
    assert read_recbole([written(tmp_path, item=None)]).items.is_empty()


@pytest.mark.parametrize(
    ("inter", "says"),
    [
        (INTER + "1\t2\t3\n", r"line 4: has 3 fields"),
        (INTER + "1\t2\t3\tnoon\n", r"line 4, field 'timestamp:float': is 'noon'"),
        (INTER.replace("user_id:token", "user_id"), r"line 1: 'user_id' is no RecBole header"),
        (INTER.replace("user_id", "uid"), r"has no column 'user_id'.*--map"),
    ],
)
def test_what_is_malformed_is_named(tmp_path, inter, says):
    with pytest.raises(DataError, match=rf"ml\.inter.*{says}"):
        read_recbole([written(tmp_path, inter)])
