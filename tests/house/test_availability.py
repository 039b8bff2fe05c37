"""A run that had to leave something out says so in its last lines, and fails under CI."""

import os
import subprocess
import sys

import pytest

from tests.house.source import ROOT

_TEST = """
import pytest

@pytest.mark.chromium
def test_a_page(): ...

def test_a_sum(): ...
"""


@pytest.fixture
def run_without_chromium(tmp_path):
    (tmp_path / "test_it.py").write_text(_TEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = chromium\n")
    plain = {"PATH": str(tmp_path), "PYTHONPATH": str(ROOT), "HOME": os.environ.get("HOME", "")}

    def run(**environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "-p", "tests.availability", str(tmp_path)]
        return subprocess.run(
            command, cwd=tmp_path, env=plain | environment, capture_output=True, text=True
        )

    return run


def test_a_missing_browser_is_told_at_the_end(run_without_chromium):
    ended = run_without_chromium()
    assert ended.returncode == 0
    assert "NOT RUN: 1 tests that need chromium" in ended.stdout
    assert "1 passed, 1 skipped" in ended.stdout


def test_under_ci_a_missing_browser_is_a_failure(run_without_chromium):
    ended = run_without_chromium(CI="true")
    assert ended.returncode == 1
    assert "1 passed, 1 error" in ended.stdout
