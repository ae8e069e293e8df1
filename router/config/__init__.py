"""What a configuration says: `settings_from(model_list, …)` and `settings_from_file(path)` make `Settings` of it."""

from __future__ import annotations

from .build import settings_from, settings_from_file
from .settings import Settings

__all__ = ["Settings", "settings_from", "settings_from_file"]
