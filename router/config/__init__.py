"""What does a configuration say?

`settings_from(model_list, …)` and `settings_from_file(path)` make `Settings` of it, or raise one `ConfigError` with
everything that is wrong.  This package imports pydantic and PyYAML, so it is imported when a router is made.
"""

from __future__ import annotations

from .build import settings_from
from .files import read_config, settings_from_file
from .settings import Settings

__all__ = ["Settings", "read_config", "settings_from", "settings_from_file"]
