"""What the operator's guide shows of a wrong model is what a wrong model gets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import ModelError, load
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import LAB_HOSTS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "operator" / "model.md"


def block(marker: str) -> str:
    """The block of code after a comment in the page."""
    found = re.search(rf"<!-- {marker} -->\n```\w+\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    assert found
    return found[1]


def test_the_guide_s_wrong_model_is_answered_as_it_says() -> None:
    model = yaml.safe_load(block("wrong model"))["selvedge_network"]
    with pytest.raises(ModelError) as caught:
        load(model, LAB_HOSTS)
    assert f"{caught.value}\n" == block("its mistakes")
