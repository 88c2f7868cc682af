"""A family's real processor class without the video processor, which needs torchvision."""

from typing import Any

from transformers.processing_utils import ProcessorMixin

WITHOUT_VIDEO = "the real class, its video processor left out"


def without_video(real: type[ProcessorMixin]) -> type[ProcessorMixin]:
    """``real``, which also takes None for its video processor."""

    class WithoutVideo(real):  # type: ignore[misc,valid-type]
        def check_argument_for_proper_class(self, name: str, given: Any) -> Any:
            if name == "video_processor" and given is None:
                return None
            return super().check_argument_for_proper_class(name, given)

    return WithoutVideo
