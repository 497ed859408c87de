"""Loaded before any test module, so that numpy finds its threads pinned."""

import optimizer  # noqa: F401

pytest_plugins = ["databases", "servers"]
