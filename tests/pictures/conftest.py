"""A scene, the real Prometheus that asks it, and a browser: one of each for a test module."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, load
from ansible_collections.selvedge.fabric.tests.pictures.prometheus import Prometheus, running
from ansible_collections.selvedge.fabric.tests.pictures.scene import Scene, serving
from ansible_collections.selvedge.fabric.tests.pictures.webdriver import Browser, browsing
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    LAB_HOSTS,
    lab_model,
)


class Watched(NamedTuple):
    """What is told, who asks, and by which port."""

    scene: Scene
    prometheus: Prometheus
    port: int


def lab() -> Network:
    """The lab's network, watched from its first host."""
    return load({**lab_model(), "monitoring": {"host": "host1"}}, LAB_HOSTS)


@pytest.fixture(scope="module")
def watched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The lab's network, all well."""
    scene = Scene(lab())
    with ExitStack() as stack:
        port = stack.enter_context(serving(scene))
        folder = tmp_path_factory.mktemp("prometheus")
        prometheus = stack.enter_context(running(folder, scene, port, request.module.__name__))
        yield Watched(scene, prometheus, port)


@pytest.fixture(scope="module")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """One window, of a desk's size."""
    with browsing(request.module.__name__) as window:
        window.size(1360, 900)
        yield window


@pytest.fixture
def restored(watched: Watched) -> Iterator[Watched]:
    """For tests that break something: the scene is put back."""
    scene = watched.scene
    before = {name: value.copy() if isinstance(value, (dict, set)) else value for name, value in vars(scene).items()
              if name != "network"}  # fmt: skip
    yield watched
    vars(scene).update(before)
    time.sleep(0)
