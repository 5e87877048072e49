"""Who looks after the platform: what a site says about its monitoring that is no role's option."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from amalgam.models.registry import user_name

ADMINISTRATORS = "monitoring_administrators"
"""The variable: people who see dashboards, alerts and all logs. The site's own user always does."""

Administrator = Annotated[str, AfterValidator(user_name)]
