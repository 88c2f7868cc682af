import pytest

from gistrec.config.engine import EngineConfig
from gistrec.config.gist import GistConfig
from gistrec.config.load import load_config
from gistrec.config.system import SystemConfig
from gistrec.errors import ConfigError

SERVER = [
    "gist.tuning.kind=none",  # another model than this process's is not tuned
    "gist.engine.kind=server",
    "gist.engine.url=http://h:8000/v1",
    "gist.engine.model=m",
]


def test_a_server_can_be_named_on_the_command_line() -> None:
    engine = load_config(SystemConfig, "mmsrarec", None, SERVER).gist.engine
    assert (engine.kind, engine.url, engine.model) == ("server", "http://h:8000/v1", "m")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (SERVER[:3], "needs its url and its model"),
        ([*SERVER[:2], SERVER[3]], "needs its url and its model"),
        ([*SERVER, "gist.engine.url=localhost:8000"], "must begin with http:// or https://"),
        ([*SERVER, "gist.engine.url=http://me:secret@h/v1"], "must not hold a password"),
        (["taste.engine.url=http://h:8000/v1"], "url is given, but kind=local: set kind=server or"),
        (["gist.engine.model=m"], "model is given, but kind=local: set kind=server or leave model"),
        (["gist.engine.api_key_variable=KEY"], "api_key_variable is given, but kind=local"),
        ([*SERVER, "gist.engine.concurrency=0"], "greater than or equal to 1"),
        ([*SERVER, "gist.engine.api_key=x"], "api_key_variable"),
    ],
)
def test_what_cannot_be_is_refused(settings: list[str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        load_config(SystemConfig, "mmsrarec", None, settings)


def test_what_decides_answers_is_what_stays() -> None:
    server = {"kind": "server", "url": "http://h/v1", "model": "m"}
    gist = GistConfig(engine=EngineConfig.model_validate(server))
    paces = {"url": "http://other/v1", "concurrency": 3, "attempts": 2, "timeout_seconds": 5.0}
    paced = GistConfig(engine=EngineConfig.model_validate({**server, **paces}), batch_size=7)
    assert paced.deciding() == gist.deciding()
    for engine in (EngineConfig(), EngineConfig.model_validate({**server, "model": "n"})):
        assert GistConfig(engine=engine).deciding() != gist.deciding()
    assert GistConfig(max_new_tokens=7).deciding() != GistConfig().deciding()
