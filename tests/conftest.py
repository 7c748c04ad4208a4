"""What all tests share: the rule about skipping.

Some judges are programs that a machine may lack (kcat, Chromium, Java). Their tests
skip with a plain reason there. Where all of them are said to be present,
`MINIKAFKA_NO_SKIP=1` turns every skip into a failure, so that a judge that has gone
missing cannot pass for one that agrees.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

pytest_plugins = ["pytester"]

NO_SKIP = os.environ.get("MINIKAFKA_NO_SKIP") == "1"


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} may not skip (MINIKAFKA_NO_SKIP=1): {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    report = yield
    _refuse_skip(report)
    return report
