"""What a site says about its monitoring: who looks after it, and what is to be different of its alerts."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from amalgam.models.draft import Draft
from amalgam.models.faults import Rule
from amalgam.models.registry import user_name

ADMINISTRATORS = "monitoring_administrators"
"""The variable: people who see dashboards, alerts and all logs. The site's own user always does."""
ALERTS = "prometheus_alerts"

Administrator = Annotated[str, AfterValidator(user_name)]


def check_monitoring(draft: Draft) -> None:
    """Add what cannot be meant of alerts to the faults of ``draft``."""
    variable, value = draft.site_wide(ALERTS), draft.setting(ALERTS, dict)
    if value is None:
        return
    # Reading the rules costs more than checking a site, and most sites take them as they are.
    from amalgam.monitoring.alerts import check_alerts

    for problem in check_alerts(value):
        draft.refuse(variable, Rule.BAD_ALERT, problem.reason, problem.remedy, problem.path)
