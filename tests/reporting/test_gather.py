"""A machine is read with what it has; what can't be found out is left out, so that what is known stays."""

from pathlib import Path
from typing import Any

import pytest

from app.reporting.gather import Failed, gather, run
from app.reporting.machine import DPKG, LSCPU, RPM
from tests.reporting.test_machine import recorded


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The files of a Debian server."""
    for name, content in (
        ("etc/machine-id", "d2f5b9c8e1a34c4f9a7b6c5d4e3f2a1b\n"),
        ("etc/os-release", recorded("os-release-debian.txt")),
        ("proc/cpuinfo", recorded("cpuinfo-x86.txt")),
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return tmp_path


def told(root: Path, printed: dict[tuple[str, ...], str | Failed], id_: str | None = None) -> Any:
    def runner(command: tuple[str, ...]) -> str | None:
        found = printed.get(command)
        if isinstance(found, Failed):
            raise found
        return found

    return gather(id_, root=root, runner=runner)


def test_a_server_tells_its_processors_distribution_and_packages(root: Path) -> None:
    found = told(root, {LSCPU: recorded("lscpu-two-sockets.json"), DPKG: recorded("dpkg.txt"), RPM: ""})
    assert found.notes == []
    given = found.input
    assert (given["vcpus"], given["cores"], given["sockets"]) == (96, 48, 2)
    assert (given["platform"], given["resourceId"][:3]) == ("Debian GNU/Linux", "mi-")
    assert {"name": "oracle-xe-21c", "version": "1.0-1", "publisher": None} in given["applications"]
    assert "capturedAt" not in given, "a clock that is off must not tell when"


def test_both_package_managers_are_asked(root: Path) -> None:
    given = told(root, {DPKG: recorded("dpkg.txt"), RPM: recorded("rpm.txt")}).input
    assert {"adduser", "bash"} <= {each["name"] for each in given["applications"]}


def test_a_container_without_tools_tells_what_the_kernel_does_and_keeps_what_is_known(root: Path) -> None:
    found = told(root, {})
    assert (found.input["vcpus"], found.input["cores"], found.input["sockets"]) == (8, 4, 2)
    assert "applications" not in found.input
    assert found.notes == ["There is neither dpkg-query nor rpm. Packages are not reported."]


@pytest.mark.parametrize("broken", [Failed("rpm failed with 1: rpmdb open failed"), "no packages\n"])
def test_a_package_manager_that_fails_takes_nothing_away(root: Path, broken: str | Failed) -> None:
    """A list without its packages would say that they are gone."""
    found = told(root, {LSCPU: recorded("lscpu-vm.json"), DPKG: recorded("dpkg.txt"), RPM: broken})
    assert "applications" not in found.input
    assert found.notes[0].endswith("Packages are not reported; those that are known stay.")


def test_lscpu_that_fails_is_replaced_by_the_kernel(root: Path) -> None:
    found = told(root, {LSCPU: "lscpu: unrecognized option", DPKG: ""})
    assert found.input["cores"] == 4
    assert "/proc/cpuinfo" in found.notes[0]


def test_api_3_no_more_packages_are_told_than_the_service_takes(root: Path) -> None:
    many = "".join(f"package-{number:05}\t1\t(none)\n" for number in range(5_001))
    found = told(root, {RPM: many})
    assert len(found.input["applications"]) == 5_000
    assert found.notes == ["The first 5,000 of 5,001 packages are reported."]


def test_a_name_that_is_given_is_taken_and_a_machine_without_an_id_has_none(root: Path) -> None:
    assert told(root, {}, "i-0abc").input["resourceId"] == "i-0abc"
    (root / "etc/machine-id").write_text("uninitialized\n")
    assert told(root, {}).input["resourceId"] is None


def test_a_command_is_run_in_no_language_and_without_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("TOLLGATE_TOKEN", "secret")
    printed = run(("env",)) or ""
    assert "LC_ALL=C\n" in printed
    assert "secret" not in printed
    assert run(("no-such-command-here",)) is None
    with pytest.raises(Failed, match=r"^false failed with 1: it said nothing"):
        run(("false",))
