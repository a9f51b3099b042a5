"""What tools print on several kinds of machines is read as an inventory tells it (EN-4)."""

from pathlib import Path

import pytest

from app.inventory.rules import is_resource_id
from app.reporting import machine
from app.reporting.machine import Package, Unreadable

RECORDED = Path(__file__).with_name("recorded")


def recorded(name: str) -> str:
    return (RECORDED / name).read_text()


@pytest.mark.parametrize(
    ("name", "vcpus", "cores", "sockets"),
    [
        ("lscpu-vm.json", 2, 2, 1),
        ("lscpu-two-sockets.json", 96, 48, 2),
        ("lscpu-arm-server.json", 64, 64, 1),
        ("lscpu-arm-vm.json", 4, 4, None),
    ],
)
def test_processors_are_counted_as_lscpu_tells(name: str, vcpus: int, cores: int, sockets: int | None) -> None:
    assert machine.topology(recorded(name)) == {"vcpus": vcpus, "cores": cores, "sockets": sockets}


@pytest.mark.parametrize(
    ("name", "vcpus", "cores", "sockets"), [("cpuinfo-x86.txt", 8, 4, 2), ("cpuinfo-arm.txt", 4, None, None)]
)
def test_without_lscpu_the_kernel_tells_what_it_knows(
    name: str, vcpus: int, cores: int | None, sockets: int | None
) -> None:
    assert machine.topology_of_cpuinfo(recorded(name)) == {"vcpus": vcpus, "cores": cores, "sockets": sockets}


@pytest.mark.parametrize(
    "printed", ["", "CPU(s): 2", "[]", "null", '{"lscpu": 1}', '{"lscpu": [1]}', '{"lscpu": [{}]}']
)
def test_what_is_not_lscpu_s_is_not_believed(printed: str) -> None:
    with pytest.raises(Unreadable):
        machine.topology(printed)


@pytest.mark.parametrize("data", ["-", "0", "-1", "2.5", "100001", "٣", None])
def test_a_figure_that_can_t_be_is_none(data: str | None) -> None:
    from json import dumps

    assert machine.topology(dumps({"lscpu": [{"field": "CPU(s):", "data": data}]}))["vcpus"] is None


@pytest.mark.parametrize(
    ("name", "platform"),
    [
        ("os-release-debian.txt", "Debian GNU/Linux"),
        ("os-release-rhel.txt", "Red Hat Enterprise Linux"),
        ("os-release-alpine.txt", "Alpine Linux"),
    ],
)
def test_the_distribution_is_named_as_it_names_itself(name: str, platform: str) -> None:
    assert machine.platform_of(recorded(name)) == platform


def test_an_os_release_that_names_nothing_names_no_platform() -> None:
    assert machine.platform_of('# nothing\nNAME="unended\nX\n') is None


def test_installed_packages_of_dpkg_have_their_maintainers_without_addresses() -> None:
    found = list(machine.dpkg_packages(recorded("dpkg.txt")))
    assert found[0] == Package("adduser", "3.134", "Debian Adduser Developers")
    assert found[-1] == Package("oracle-xe-21c", "1.0-1", None)
    assert "linux-image-5.10.0-8-amd64" not in [each.name for each in found]


def test_packages_of_rpm_have_their_vendors_and_keys_are_none() -> None:
    assert set(machine.rpm_packages(recorded("rpm.txt"))) == {
        Package("bash", "4.4.20-4.el8_6", "Red Hat, Inc."),
        Package("glibc", "2.28-189.5.el8_6", "Red Hat, Inc."),
        Package("mssql-server", "15.0.4316.3-2", "Microsoft Corporation"),
        Package("oracle-database-ee-19c", "1.0-1", None),
    }


def test_lines_that_are_not_what_was_asked_for_are_not_believed() -> None:
    with pytest.raises(Unreadable):
        list(machine.rpm_packages("error: rpmdb open failed\n"))


def test_api_3_texts_are_brought_within_the_service_s_bounds() -> None:
    assert machine.clean("a\x00b\tc\u2028d\ud800", 128) == "a b c d"
    assert machine.clean("x" * 300, 256) == "x" * 256
    assert machine.clean(" \n", 8) is None


def test_a_server_s_own_id_stays_and_does_not_give_the_machine_s_away() -> None:
    own = machine.own_id("d2f5b9c8e1a34c4f9a7b6c5d4e3f2a1b\n")
    assert own == machine.own_id("d2f5b9c8e1a34c4f9a7b6c5d4e3f2a1b")
    assert own != machine.own_id("d2f5b9c8e1a34c4f9a7b6c5d4e3f2a1c")
    assert (own[:3], len(own), is_resource_id(own), "d2f5" in own) == ("mi-", 20, True, False)
