"""What a module is to the library."""

from __future__ import annotations

from typing import Any, NoReturn, Protocol


class Module(Protocol):
    """What it is asked, and how it answers: AnsibleModule, or what stands for it in a task's own process."""

    params: dict[str, Any]
    check_mode: bool

    def exit_json(self, **kwargs: Any) -> NoReturn: ...

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn: ...
