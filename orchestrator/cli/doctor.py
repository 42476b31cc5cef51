"""Is every part of the house well, and if not, what is to be done?"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import click

from orchestrator.cli.checks.finding import Finding, Patient, Verdict, broken
from orchestrator.cli.configuration import load_settings, web_url
from orchestrator.cli.output import json_option, print_json, print_line

_STYLES = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.BROKEN: "bold red"}


@click.command
@click.option("--url", help="Where the web front answers.  [default: from the settings]")
@json_option
def doctor(url: str | None, as_json: bool) -> None:
    """Check every part, and say what to do where one is not well.

    Fails if a part is broken; a warning is no failure.
    """
    from orchestrator.cli.checks.table import CHECKS

    settings = load_settings()
    patient = Patient(settings, (url or web_url(settings)).rstrip("/"))
    with ThreadPoolExecutor(len(CHECKS)) as threads:
        examined = threads.map(lambda check: _examine(check, patient), CHECKS.values())
        findings = dict(zip(CHECKS, examined, strict=True))
    well = all(finding.verdict is not Verdict.BROKEN for finding in findings.values())
    if as_json:
        checks = [finding.to_json(name) for name, finding in findings.items()]
        print_json({"ok": well, "checks": checks})
    else:
        for name, finding in findings.items():
            verdict = (finding.verdict.ljust(7), _STYLES[finding.verdict])
            print_line(verdict, (name.ljust(14), "bold"), finding.detail)
    sys.exit(not well)


def _examine(check: Callable[[Patient], Finding], patient: Patient) -> Finding:
    try:
        return check(patient)
    except Exception as error:  # noqa: BLE001 - a part that fails in a new way is broken, too
        return broken(f"The check itself failed: {type(error).__name__}: {error}")
