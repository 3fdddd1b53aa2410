"""Writers take turns, as `visionai.lib.turns` says."""

from visionai.lib.turns import turn

__all__ = ["turn"]
