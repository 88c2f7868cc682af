"""YAML as people mean it: yes and no are words, 1e-3 is a number, a key stands once.

Departs from PyYAML, which follows YAML 1.1: there `no` is a boolean and `1e-3` a text, and of two
equal keys the last one wins without a word.
"""

import re
from typing import Any

import yaml

_BOOL, _FLOAT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:float"
_TRUE_OR_FALSE = re.compile(r"true|True|TRUE|false|False|FALSE")
_NUMBER = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that stands twice."""
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                problem = f"the key {key.value!r} stands twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    pass


for _side in (_Loader, _Dumper):
    _side.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in (_BOOL, _FLOAT)]
        for first, resolvers in _side.yaml_implicit_resolvers.items()
    }
    _side.add_implicit_resolver(_BOOL, re.compile(f"^({_TRUE_OR_FALSE.pattern})$"), list("tTfF"))
    _side.add_implicit_resolver(_FLOAT, re.compile(f"^({_NUMBER.pattern})$"), list("-+.0123456789"))


def parse_yaml(text: str) -> Any:
    """Read one YAML document.

    Raises:
        yaml.YAMLError: it is not YAML, or a key stands twice.
    """
    return yaml.load(text, Loader=_Loader)


def format_yaml(value: Any) -> str:
    """Write ``value`` as YAML that `parse_yaml` reads back as the same; keys keep their order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
