from __future__ import annotations

import pytest

from amalgam.logs.query import Search


def test_nothing_asked_is_everything() -> None:
    assert (Search().query, Search().filters) == ("*", [])


def test_a_query_of_one_s_own_stays_as_it_is() -> None:
    search = Search(logsql="error or warn | stats count()", node="n1")
    assert search.query == "error or warn | stats count()"
    assert search.filters == ['node:="n1"']


@pytest.mark.parametrize(
    ("search", "wanted"),
    [
        (Search(text="out of memory"), '(*"out of memory"* or err:*"out of memory"* or error:*"out of memory"*)'),
        (Search(text='"no" | x \\'), r'(*"\"no\" | x \\"* or err:*"\"no\" | x \\"* or error:*"\"no\" | x \\"*)'),
        (Search(node="n1"), 'node:="n1"'),
        (Search(namespace="vision"), '{kubernetes.pod_namespace="vision"}'),
        (Search(pod="trainer-0"), '"kubernetes.pod_name":="trainer-0"'),
        (Search(pod="trainer-*"), '"kubernetes.pod_name":="trainer-"*'),
        (Search(unit="kubelet"), '(_SYSTEMD_UNIT:="kubelet.service" or UNIT:="kubelet.service")'),
        (Search(unit="backup.timer"), '(_SYSTEMD_UNIT:="backup.timer" or UNIT:="backup.timer")'),
        (Search(source="audit"), 'log:="audit"'),
    ],
)
def test_each_option_is_a_filter_of_its_own(search: Search, wanted: str) -> None:
    assert search.filters == [wanted]


def test_all_of_them_hold_at_once() -> None:
    assert len(Search("text", "", "n", "vc", "pod", "unit", "pods").filters) == 6
