"""The rules as a site gets them, and the programs that judge them."""

from __future__ import annotations

from pathlib import Path

import pytest

from amalgam.monitoring.alerts import rule_files
from tests.unit.alerting.programs import program

RUNBOOKS = "https://monitoring.example.internal:8445/runbooks/RULE.md"


@pytest.fixture(scope="session")
def promtool() -> str:
    return program("promtool")


@pytest.fixture(scope="session")
def amtool() -> str:
    return program("amtool")


@pytest.fixture(scope="session")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the files of rules of a site that changes nothing, and all alerts enabled."""
    folder = tmp_path_factory.mktemp("rules")
    for name, content in rule_files({"EtcdBackupMissing": {"enabled": True}}, RUNBOOKS).items():
        (folder / f"{name}.yml").write_text(content, encoding="utf-8")
    return folder
