import pytest

from gistrec.data.sources.movielens import read_movielens
from gistrec.errors import DataError


def one_million(folder, ratings="1::1193::5::978300760\n1::661::3::978302109\n2::1193::4::5\n"):
    folder.mkdir(exist_ok=True)
    (folder / "ratings.dat").write_text(ratings)
    movies = (
        "1193::One Flew Over the Cuckoo's Nest (1975)::Drama\n"
        "661::Misérables, Les (1995)::Drama|Musical\n"
        "99::Face::Off (1997)::Action\n"
    )
    (folder / "movies.dat").write_bytes(movies.encode("latin-1"))
    return folder


def twenty_million(folder):
    folder.mkdir()
    (folder / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n1,2,3.5,1112486027\n1,29,0.5,1112484676\n"
    )
    (folder / "movies.csv").write_text(
        "movieId,title,genres\n"
        '2,"American President, The (1995)",Comedy|Drama\n'
        '29,"He said ""hi"" (1996)",(no genres listed)\n'
    )
    return folder


def hundred_thousand(folder):
    folder.mkdir()
    (folder / "u.data").write_text("196\t242\t3\t881250949\n186\t1\t3\t891717742\n")
    flags_animation_comedy = "|".join(["0"] * 3 + ["1", "0", "1"] + ["0"] * 13)
    flags_unknown = "|".join(["1"] + ["0"] * 18)
    url = "http://us.imdb.com/M/title-exact?Toy%20Story%20(1995)"
    items = (
        f"1|Toy Story (1995)|01-Jan-1995||{url}|{flags_animation_comedy}\n"
        f"242|Café (1997)|01-Jan-1997|||{flags_unknown}\n"
    )
    (folder / "u.item").write_bytes(items.encode("latin-1"))
    return folder


def test_one_million_with_latin_1_titles(tmp_path):
    raw = read_movielens([one_million(tmp_path / "ml-1m")])
    assert raw.items.rows() == [
        ("1193", "One Flew Over the Cuckoo's Nest (1975)", "Drama"),
        ("661", "Misérables, Les (1995)", "Drama, Musical"),
        ("99", "Face::Off (1997)", "Action"),
    ]
    assert raw.interactions.rows() == [
        ("1", "1193", 978300760, 5.0),
        ("1", "661", 978302109, 3.0),
        ("2", "1193", 5, 4.0),
    ]
    assert (raw.item_noun, raw.verb) == ("movie", "watched")


def test_ten_million_has_utf_8_titles_and_half_stars(tmp_path):
    folder = one_million(tmp_path / "ml-10m", "1::661::4.5::838985046\r\n")
    (folder / "movies.dat").write_text("661::Misérables, Les (1995)::Drama\r\n", encoding="utf-8")
    raw = read_movielens([folder])
    assert raw.items.rows() == [("661", "Misérables, Les (1995)", "Drama")]
    assert raw.interactions.rows() == [("1", "661", 838985046, 4.5)]


def test_csv_with_quoted_titles(tmp_path):
    raw = read_movielens([twenty_million(tmp_path / "ml-20m")])
    assert raw.items.rows() == [
        ("2", "American President, The (1995)", "Comedy, Drama"),
        ("29", 'He said "hi" (1996)', ""),
    ]
    assert raw.interactions["rating"].to_list() == [3.5, 0.5]


def test_hundred_thousand_with_genre_flags(tmp_path):
    raw = read_movielens([hundred_thousand(tmp_path / "ml-100k")])
    assert raw.items.rows() == [
        ("1", "Toy Story (1995)", "Animation, Comedy"),
        ("242", "Café (1997)", ""),
    ]
    assert raw.interactions.rows()[0] == ("196", "242", 881250949, 3.0)


def test_two_files_do_as_well_as_their_folder(tmp_path):
    folder = one_million(tmp_path / "ml")
    by_files = read_movielens([folder / "movies.dat", folder / "ratings.dat"])
    assert by_files.interactions.equals(read_movielens([folder]).interactions)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("1::661::3", "has 3 fields instead of 4 .*field 'timestamp' is missing"),
        ("1::661::3::4::5", "has 5 fields instead of 4"),
        ("1::661::3::yesterday", "field 'timestamp': is 'yesterday'"),
        ("1::661::great::7", "field 'rating': is 'great'"),
        ("1::661::nan::7", "field 'rating': is 'nan'"),
        ("1::661::3::", "field 'timestamp': is missing"),
        ("1::661::3::99999999999999999999", "field 'timestamp': is '9999"),
        ("::661::3::7", "field 'userId': is missing"),
    ],
)
def test_a_malformed_rating_is_named_by_file_line_and_field(tmp_path, line, says):
    folder = one_million(tmp_path, f"1::1193::5::978300760\n\n{line}\n2::661::3::7\n")
    with pytest.raises(DataError, match=rf"ratings\.dat, line 3.*{says}"):
        read_movielens([folder])


def test_a_short_row_of_a_csv_is_named(tmp_path):
    folder = twenty_million(tmp_path / "ml")
    with (folder / "ratings.csv").open("a") as log:
        log.write("7,2,3.5\n")
    with pytest.raises(DataError, match=r"ratings\.csv, line 4: has 3 fields.*'timestamp'"):
        read_movielens([folder])


@pytest.mark.parametrize(
    ("line", "says"), [("12;Title;Drama", "not id::title::genres"), ("::T::Drama", "not id")]
)
def test_a_malformed_movie_is_named(tmp_path, line, says):
    folder = one_million(tmp_path)
    with (folder / "movies.dat").open("a") as movies:
        movies.write(line + "\n")
    with pytest.raises(DataError, match=rf"movies\.dat, line 4: .*{says}"):
        read_movielens([folder])


def test_u_item_with_a_wrong_flag_is_named(tmp_path):
    folder = hundred_thousand(tmp_path / "ml")
    text = (folder / "u.item").read_text("latin-1").replace("|1|0|1|", "|1|0|x|")
    (folder / "u.item").write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match=r"u\.item, line 1, field 'genre': 'x'"):
        read_movielens([folder])


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_movielens([tmp_path / "absent"])
    with pytest.raises(DataError, match=r"nothing here that movielens knows.*ratings\.dat"):
        read_movielens([tmp_path])
    (one_million(tmp_path) / "movies.dat").unlink()
    with pytest.raises(DataError, match="no movies file"):
        read_movielens([tmp_path])


def test_a_csv_without_the_wanted_column_names_those_it_has(tmp_path):
    folder = twenty_million(tmp_path / "ml")
    (folder / "ratings.csv").write_text("user,movie,rating,timestamp\n1,2,3,4\n")
    with pytest.raises(DataError, match="has no column 'userId'; it has user, movie"):
        read_movielens([folder])
