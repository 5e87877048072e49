"""Alertmanager's configuration and mails, as amtool sees them."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from amalgam.monitoring.durations import seconds
from amalgam.monitoring.mail import alertmanager_config, check_mail
from amalgam.pki import make_authority
from tests.unit.alerting.programs import ROOT, said

SMTP = {"smarthost": "mail.example.internal:587", "from": "alerts@example.internal", "username": "alerts"}
SETTINGS: dict[str, Any] = {
    "smtp": SMTP,
    "has_password": True,
    "receivers": ["ops@example.internal"],
    "routes": [
        {"addresses": ["vision@example.internal"], "vcs": ["vision"], "severities": ["critical", "warning"]},
        {"addresses": ["nlp@example.internal"], "vcs": ["nlp"], "only": True},
    ],
    "group_by": ["alertname", "cluster"],
    "group_wait": "30s",
    "group_interval": "5m",
    "repeat_interval": "4h",
    "watchdog_webhook": "",
    "watchdog_interval": "5m",
}
NODE_DOWN = {"alertname": "NodeDown", "severity": "critical", "cluster": "lab", "node": "gpu1"}


def config(**changed: Any) -> dict[str, Any]:
    return yaml.safe_load(alertmanager_config(SETTINGS | changed))


@pytest.fixture
def written(tmp_path: Path) -> Path:
    file = tmp_path / "alertmanager.yml"
    file.write_text(alertmanager_config(SETTINGS), encoding="utf-8")
    return file


def test_amtool_takes_the_configuration(amtool: str, written: Path) -> None:
    code, output = said(amtool, "check-config", written)
    assert code == 0, output


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        (NODE_DOWN, "everybody"),
        ({"alertname": "Watchdog", "severity": "info"}, "watchdog"),
        ({"alertname": "PodGroupPending", "severity": "warning", "vc": "vision"}, "route-1,everybody"),
        ({"alertname": "KubeQuotaFullyUsed", "severity": "info", "vc": "vision"}, "everybody"),
        ({"alertname": "PodGroupPending", "severity": "warning", "vc": "nlp"}, "route-2,nobody"),
        ({"alertname": "PodGroupPending", "severity": "warning", "vc": "nlp2"}, "everybody"),
    ],
)
def test_an_alert_goes_to_whom_it_is_for(amtool: str, written: Path, labels: dict[str, str], receivers: str) -> None:
    pairs = [f"{name}={value}" for name, value in labels.items()]
    code, output = said(amtool, "config", "routes", "test", "--config.file", written, *pairs)
    assert (code, output.splitlines()[0]) == (0, receivers)


def test_nothing_is_sent_without_tls_and_the_password_is_in_a_file_of_its_own() -> None:
    found = config()["global"]
    assert found["smtp_require_tls"] is True
    assert found["smtp_auth_password_file"] == "/etc/prometheus/smtp/password"
    assert "smtp_auth_password" not in found


def test_an_authority_of_the_sites_own_is_trusted_where_one_is_given() -> None:
    mail = config(smtp=SMTP | {"ca_certificate": "PEM"})["receivers"][0]["email_configs"][0]
    assert mail["tls_config"] == {"ca_file": "/etc/prometheus/smtp/ca.crt"}
    assert "tls_config" not in config()["receivers"][0]["email_configs"][0]


def test_a_site_without_mail_has_alerts_all_the_same(amtool: str, tmp_path: Path) -> None:
    file = tmp_path / "alertmanager.yml"
    file.write_text(alertmanager_config(SETTINGS | {"smtp": {}, "receivers": [], "routes": []}), encoding="utf-8")
    assert said(amtool, "check-config", file)[0] == 0


def test_the_watchdog_is_never_mailed_and_calls_out_where_it_is_wanted() -> None:
    url = "https://watch.example.internal/lab"
    receivers = {one["name"]: one for one in config(watchdog_webhook=url)["receivers"]}
    assert receivers["watchdog"]["webhook_configs"] == [{"url": url, "send_resolved": False}]
    assert "email_configs" not in receivers["watchdog"]


@pytest.mark.parametrize("interval", ["10s", "5m"])
def test_the_watchdog_calls_in_every_interval_and_not_in_every_second_one(interval: str) -> None:
    """Alertmanager repeats what is older than the one when the other is over."""
    watchdog = config(watchdog_interval=interval)["route"]["routes"][0]
    assert watchdog["group_interval"] == interval
    assert seconds(watchdog["repeat_interval"]) <= seconds(interval) - 5


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        (
            {"smtp": SMTP | {"smarthost": "mail.example.internal"}},
            "smtp.smarthost: 'mail.example.internal' is no server",
        ),
        ({"smtp": SMTP | {"smarthost": "mail:99999"}}, "smtp.smarthost"),
        ({"smtp": SMTP | {"from": "alerts"}}, "smtp.from: 'alerts' is no address"),
        ({"has_password": False}, "smtp.username: a login has a user and a password"),
        ({"smtp": {}, "has_password": False, "routes": []}, "receivers: somebody is to get mails"),
        ({"receivers": ["ops at example"]}, "receivers.0: 'ops at example' is no address"),
        ({"routes": [{"addresses": ["a@b"]}]}, "routes.0: matches every alert"),
        ({"routes": [{"addresses": [], "vcs": ["x"]}]}, "routes.0.addresses: is empty"),
        ({"routes": [{"addresses": ["a@b"], "severities": ["high"]}]}, "routes.0.severities: 'high' is no severity"),
        ({"routes": [{"addresses": ["a@b"], "vcs": ['x"y']}]}, "routes.0.vcs"),
        ({"group_by": ["alert-name"]}, "group_by.0: 'alert-name' is no name of a label"),
        ({"group_wait": "30"}, "group_wait: '30' is no span of time"),
        ({"repeat_interval": "0s"}, "repeat_interval: '0s' is no span of time"),
    ],
)
def test_what_alertmanager_would_not_take_or_nobody_can_mean_is_refused(changed: dict[str, Any], problem: str) -> None:
    found = [str(one) for one in check_mail(SETTINGS | changed)]
    assert len(found) == 1
    assert problem in found[0]


def test_good_settings_have_no_problems() -> None:
    assert check_mail(SETTINGS) == []
    assert check_mail({}) == []


def test_an_authority_that_no_server_could_be_trusted_by_is_refused() -> None:
    good = make_authority("mail").certificate
    broken = good.replace("MII", "MIJ", 1)
    assert check_mail(_trusting(good)) == []
    for pem in ("PEM", broken):
        (found,) = check_mail(_trusting(pem))
        assert str(found).startswith("smtp.ca_certificate: is no certificate, or a broken one; give the authority's")


def test_an_authority_that_has_ended_is_refused_unless_another_is_given_with_it() -> None:
    old, good = _ended(), make_authority("mail").certificate
    (found,) = check_mail(_trusting(old))
    assert re.search(r"smtp\.ca_certificate: no server is trusted by it today, .* to 2021-01-01; give", str(found))
    assert check_mail(_trusting(old + good)) == []


def _trusting(pem: str) -> dict[str, Any]:
    return SETTINGS | {"smtp": SMTP | {"ca_certificate": pem}}


def _ended() -> str:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    span = builder.not_valid_before(datetime(2020, 1, 1)).not_valid_after(datetime(2021, 1, 1))
    return span.serial_number(1).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def _alert(status: str = "firing", **labels: str) -> dict[str, Any]:
    words = {"summary": "gpu1 uses 72% of its <memory>", "description": "The limit is 70%."}
    return {
        "status": status,
        "labels": {"alertname": "NodeMemoryHighUtilization", "cluster": "lab", "severity": "warning", "node": "gpu1"}
        | labels,
        "annotations": words | {"runbook_url": "https://monitoring:8445/runbooks/NodeMemoryHighUtilization.md"},
        "startsAt": "2026-11-28T14:00:00Z",
        "endsAt": "2026-11-28T14:30:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
    }


@pytest.fixture
def mail(amtool: str, tmp_path: Path):
    """Render a part of a mail about some alerts."""

    def render(part: str, *alerts: dict[str, Any], silence_url: str = "https://monitoring:8445/silence.html") -> str:
        template = (ROOT / "templates" / "mail" / "alert.tmpl").read_text(encoding="utf-8")
        file = tmp_path / "amalgam.tmpl"
        file.write_text(
            template.replace("DASHBOARDS_URL", "https://monitoring:8445/").replace("SILENCE_URL", silence_url)
        )
        common = dict(set(alerts[0]["labels"].items()).intersection(*(one["labels"].items() for one in alerts)))
        status = "firing" if any(one["status"] == "firing" for one in alerts) else "resolved"
        data = tmp_path / "data.json"
        data.write_text(json.dumps({"status": status, "alerts": alerts, "commonLabels": common, "groupLabels": common}))
        kind = "html" if part == "html" else "text"
        wanted = f'{{{{ template "amalgam.{part}" . }}}}'
        code, output = said(
            amtool, "template", "render", f"--template.glob={file}", f"--template.type={kind}",
            f"--template.text={wanted}", f"--template.data={data}",
        )  # fmt: skip
        assert code == 0, output
        return output

    return render


def test_a_subject_says_how_bad_where_and_what(mail) -> None:
    assert mail("subject", _alert()) == "[WARNING] lab: gpu1 uses 72% of its <memory>"
    assert mail("subject", _alert("resolved")) == "[RESOLVED] lab: gpu1 uses 72% of its <memory>"


def test_a_subject_of_several_alerts_names_their_hosts_in_one_line(mail) -> None:
    subject = mail("subject", *(_alert(node=f"gpu{number}") for number in range(1, 8)))
    assert subject == "[WARNING] lab: 7 x NodeMemoryHighUtilization gpu1, gpu2, gpu3, gpu4, gpu5"


def test_a_mail_says_what_where_since_when_and_what_to_do(mail) -> None:
    html, text = mail("html", _alert()), mail("text", _alert())
    for part in (html, text):
        for words in (
            "NodeMemoryHighUtilization",
            "node gpu1",
            "The limit is 70%.",
            "2026-11-28",
            "/runbooks/NodeMemoryHighUtilization.md",
        ):
            assert words in part
    assert "&lt;memory&gt;" in html
    assert 'name="viewport"' in html


def test_a_mail_leads_to_a_silence_with_the_labels_of_the_alert(mail) -> None:
    assert "silence.html?alertname=NodeMemoryHighUtilization&amp;node=gpu1&amp;vc=a%20b" in mail(
        "html", _alert(vc="a b")
    )
    assert "silence.html?alertname=NodeMemoryHighUtilization&node=gpu1&" in mail("text", _alert())
    assert "ilence" not in mail("html", _alert(), silence_url="") + mail("text", _alert(), silence_url="")


def test_a_mail_that_it_is_over_asks_for_nothing(mail) -> None:
    html = mail("html", _alert("resolved"))
    assert "RESOLVED" in html
    assert "What to do" not in html
