"""`.ci/audit`: what pip-audit's answer means, and that no answer never reads as a clean one."""

from __future__ import annotations

import json
import subprocess
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "audit"

CLEAN = {"name": "numpy", "version": "2.1", "vulns": []}
SKIPPED = {"name": "torch", "skip_reason": "Dependency not found on PyPI and could not be audited: torch (2.15)"}
FAULTY = {
    "name": "pillow",
    "version": "9.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-2022-1"], "fix_versions": ["9.1"], "description": "x"}],
}


@pytest.fixture(scope="module")
def audit():
    loader = SourceFileLoader("audit", str(SCRIPT))
    spec = spec_from_loader("audit", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def verdict(audit, *packages, ignored=None, required=False):
    code, lines = audit.verdict({"dependencies": list(packages), "fixes": []}, ignored or {}, required=required)
    return code, "\n".join(lines)


def test_everything_audited_and_nothing_known(audit):
    code, text = verdict(audit, CLEAN, required=True)
    assert code == 0
    assert text == "1 packages audited, no known vulnerability that isn't accepted with a reason"


def test_a_vulnerability_fails(audit):
    code, text = verdict(audit, CLEAN, FAULTY)
    assert code == 1
    assert "VULNERABLE: pillow 9.0: PYSEC-1 (CVE-2022-1); fixed in 9.1" in text


@pytest.mark.parametrize("name", ["PYSEC-1", "CVE-2022-1"])
def test_a_reason_accepts_it_by_any_of_its_names(audit, name):
    code, text = verdict(audit, FAULTY, ignored={name: "that format is never read"})
    assert code == 0
    assert "accepted: pillow 9.0: PYSEC-1: that format is never read" in text


def test_a_reason_that_is_no_longer_needed_is_told(audit):
    code, text = verdict(audit, CLEAN, ignored={"CVE-2022-1": "that format is never read"})
    assert code == 0
    assert "WARNING: CVE-2022-1 is accepted" in text


@pytest.mark.parametrize("required", [False, True])
def test_nothing_audited_is_loud_and_never_clean(audit, required):
    code, text = verdict(audit, SKIPPED, SKIPPED, required=required)
    assert code == int(required)
    assert "WARNING: 0 of 2 packages could be audited: no advisory data in reach" in text
    assert "no known vulnerability" not in text


def test_a_part_that_was_not_audited_is_told(audit):
    code, text = verdict(audit, CLEAN, SKIPPED, required=True)
    assert code == 1
    assert "WARNING: 1 of 2 packages could be audited; of the others nothing is known" in text


def test_a_vulnerability_among_the_audited_fails_though_others_were_not(audit):
    code, text = verdict(audit, FAULTY, SKIPPED)
    assert code == 1
    assert "VULNERABLE" in text
    assert "WARNING: 1 of 2" in text


@pytest.mark.parametrize("report", [None, [], {}, {"dependencies": []}, {"dependencies": None}])
def test_no_report_is_no_clean_one(audit, report):
    code, lines = audit.verdict(report, {}, required=False)
    assert code == 0
    assert lines == ["WARNING: no package could be audited: no advisory data in reach; of the others nothing is known"]
    assert audit.verdict(report, {}, required=True)[0] == 1


def test_a_client_that_hangs_or_fails_gives_no_report(audit, monkeypatch, tmp_path):
    def hang(*_, **arguments):
        raise subprocess.TimeoutExpired("pip-audit", arguments["timeout"])

    monkeypatch.setattr(audit.subprocess, "run", hang)
    assert audit.audited(tmp_path / "requirements.txt") is None
    failed = subprocess.CompletedProcess([], 1, "", "ERROR: no network")
    monkeypatch.setattr(audit.subprocess, "run", lambda *_, **__: failed)
    assert audit.audited(tmp_path / "requirements.txt") is None


def test_the_accepted_ones_have_reasons(audit):
    ignored = json.loads(audit.IGNORED.read_text())
    assert all(isinstance(reason, str) and len(reason.split()) > 3 for reason in ignored.values())
