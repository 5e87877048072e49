from amalgam.summary import HostSummary, roles_of, table

GROUPS = {"control_plane": ["m"], "workers": ["w"], "storage": ["s"], "bundle_server": ["s"]}


def test_a_host_with_two_roles_names_both() -> None:
    assert roles_of("s", GROUPS) == "storage, bundle server"


def test_a_host_without_a_role_is_called_a_host() -> None:
    assert roles_of("x", GROUPS) == "host"


def test_columns_line_up_and_a_missing_version_is_a_dash() -> None:
    lines = table(
        [
            HostSummary("master1", "control plane", "amd64", "10.0.0.1", "v1", "ready"),
            HostSummary("s", "storage", "arm64", "10.0.0.2", "", "ready"),
        ]
    )
    assert lines[0].split() == ["NODE", "ROLE", "ARCH", "ADDRESS", "VERSION", "STATE"]
    assert lines[1].index("amd64") == lines[2].index("arm64") == lines[0].index("ARCH")
    assert lines[2].split()[-2:] == ["-", "ready"]
