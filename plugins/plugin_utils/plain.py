# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Values without what Ansible knows of them."""

from __future__ import annotations

import json
from typing import Any


def plain(value: Any) -> Any:
    """Python's own types only, as a module gets them: Ansible's strings carry tags that a YAML writer refuses.

    What looks like a date (a version such as 2025-01-31, without quotes) becomes the text that it was.
    """
    return json.loads(json.dumps(value, default=str))
