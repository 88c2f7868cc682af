"""The next settings that a search tries, drawn by Optuna from what came of the earlier ones."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gistrec.config.search import Choice, Parameter, Range, Space
from gistrec.errors import ConfigError
from gistrec.evaluation.search import Scalar, SearchTrial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_STREAM = 61
_AT_RANDOM = 5  # trials before the draws lean on what came of earlier ones
_DIGITS = 3  # of a number that is tried: more say nothing, and people read them


def next_settings(
    space: Space, defaults: Mapping[str, Scalar], tried: Sequence[SearchTrial], seed: int
) -> dict[str, Scalar]:
    """What to try after ``tried``: the defaults first, then a tree of Parzen estimators.

    The same trials and seed give the same settings, so that a search that was killed goes on as
    if it had not been. The space is widened to hold the defaults.

    Source: Bergstra et al., Algorithms for Hyper-Parameter Optimization, 2011, as Optuna has it.

    Raises:
        ConfigError: Optuna is not installed, or the space cannot hold the defaults.
    """
    held = [one.holding(defaults[one.setting]) for one in space.parameters]
    if not tried or not held:
        return dict(defaults)
    require_optuna()
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {one.setting: _distribution(one) for one in held}
    # A sampler for each trial: one that had drawn before would draw the same again after a kill.
    drawn = int(np.random.default_rng([seed, _STREAM, len(tried)]).integers(2**31))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(
            seed=drawn, n_startup_trials=_AT_RANDOM, multivariate=True
        )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for trial in tried:
        done = trial.value is not None
        study.add_trial(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState.COMPLETE if done else optuna.trial.TrialState.FAIL,
                value=trial.value,
                params=trial.settings,
                distributions=distributions,
            )
        )
    asked = study.ask(distributions).params
    return {one.setting: _rounded(asked[one.setting], one) for one in held}


def require_optuna() -> None:
    """Refuse where Optuna is not installed.

    Raises:
        ConfigError: it is not.
    """
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise ConfigError("a search needs Optuna: pip install 'gistrec[search]'") from error


def _distribution(parameter: Parameter) -> "BaseDistribution":
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    match parameter:
        case Choice():
            return CategoricalDistribution(parameter.values)
        case Range(whole=True):
            return IntDistribution(int(parameter.low), int(parameter.high), log=parameter.log)
        case Range():
            return FloatDistribution(parameter.low, parameter.high, log=parameter.log)


def _rounded(value: Scalar, parameter: Parameter) -> Scalar:
    """A number as it is tried, within its range: Optuna takes no trial that lies outside."""
    if not isinstance(value, float) or isinstance(parameter, Choice):
        return value
    return min(max(float(f"{value:.{_DIGITS}g}"), parameter.low), parameter.high)
