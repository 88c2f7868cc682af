"""The few errors a person meets; each message says what is wrong, where, and what to do."""


class GistrecError(Exception):
    """Any fault of the input or the run that a person can mend; the command line exits with 1."""


class DataError(GistrecError):
    """A dataset, or a file it is made from, is not what it must be."""


class ConfigError(GistrecError):
    """A configuration names something unknown or impossible."""


class RunError(GistrecError):
    """A run folder is missing something, belongs to something else, or is in use."""


class BackboneError(GistrecError):
    """A multimodal language model cannot be loaded or cannot do what is asked of it."""


class EngineError(GistrecError):
    """A server that is to answer questions does not, or not as it must."""
