"""The catalogue of instance types and Dedicated Host families: what the gate counts by (LC-3, EN-4)."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.compute.catalogue import (
    HostFamily,
    InstanceType,
    family_of,
    host_families,
    host_family,
    instance_type,
    instance_types,
)
from scripts.refresh_catalogue import TARGET, main, rendered, runs

ON_A_LARGER_HOST = {"c5d.24xlarge"}
"""Runs on Dedicated Hosts of a size that AWS's table leaves out: the table's c5d host has 36 cores, the type 48."""

figures = st.integers(min_value=-1, max_value=4)
types = st.sampled_from(instance_types())
counts = st.integers(min_value=-1, max_value=30)


def test_the_committed_catalogue_is_what_the_pinned_source_gives() -> None:
    """After an upgrade of moto: `python -m scripts.refresh_catalogue`."""
    assert TARGET.read_text(encoding="utf-8") == rendered()
    assert main(["--check"]) == 0


def test_every_type_of_ec2_is_known_once() -> None:
    names = [each.name for each in instance_types()]
    assert len(names) > 1_300
    assert names == sorted(set(names))


def test_the_guides_core_counts_fit_real_types() -> None:
    """LC-12: the worked example's limits of 8 to 16 cores leave a real choice of types for a Dedicated Host."""
    fitting = {each.name for each in instance_types() if each.dedicated_hosts and 8 <= each.cores <= 16}
    assert {"m5.4xlarge", "m5.8xlarge", "r5.4xlarge"} <= fitting
    assert "m5.2xlarge" not in fitting


def test_a_type_has_the_figures_that_ec2_gives() -> None:
    assert instance_type("m5.large") == InstanceType("m5.large", 1, 2, False, True, (1,), (1, 2))
    assert instance_type("c5a.8xlarge") == InstanceType(
        "c5a.8xlarge", 16, 2, False, False, (1, 2, 3, 4, 8, 12, 16), (1, 2)
    )
    assert instance_type("m5.metal") == InstanceType("m5.metal", 48, 2, True, True, (), ())


@pytest.mark.parametrize("name", ["", "m5", "M5.large", "m5.large ", "m5.huge", "m5.large\x00", "m" * 10_000])
def test_what_is_not_a_type_is_not_found(name: str) -> None:
    assert instance_type(name) is None
    assert host_family(f"{name}.x") is None


@given(types)
def test_defaults_are_always_accepted(kind: InstanceType) -> None:
    """LC-3: the defaults of a type are valid options of it, and its vCPUs are its cores times its threads."""
    assert kind.valid_cpu_options(kind.cores, kind.threads_per_core)
    assert kind.vcpus == kind.cores * kind.threads_per_core
    assert kind.threads_per_core in (1, 2)


@given(types)
def test_customising_only_ever_takes_away(kind: InstanceType) -> None:
    """LC-3: no option gives more cores or threads than the default, and both lists ascend from 1 or more."""
    assert (kind.valid_cores == ()) == (kind.valid_threads_per_core == ())
    for numbers, default in ((kind.valid_cores, kind.cores), (kind.valid_threads_per_core, kind.threads_per_core)):
        assert list(numbers) == sorted(set(numbers))
        assert not numbers or (numbers[0] >= 1 and numbers[-1] == default)


@given(types, counts, figures)
def test_an_option_is_valid_exactly_if_listed(kind: InstanceType, cores: int, threads: int) -> None:
    """LC-3: a type without lists, bare metal among them, takes its defaults alone."""
    listed = cores in kind.valid_cores and threads in kind.valid_threads_per_core
    default = not kind.valid_cores and (cores, threads) == (kind.cores, kind.threads_per_core)
    assert kind.valid_cpu_options(cores, threads) == (listed or default)


def test_bare_metal_takes_no_cpu_options() -> None:
    assert not any(each.valid_cores for each in instance_types() if each.bare_metal)


@given(types)
def test_a_family_is_what_comes_before_the_dot(kind: InstanceType) -> None:
    assert kind.name.startswith(f"{kind.family}.")
    assert family_of(kind.name) == kind.family


def test_a_host_has_the_figures_that_aws_publishes() -> None:
    """EN-4: what a host consumes when it is associated itself."""
    assert host_family("m5") == HostFamily("m5", sockets=2, cores=48, vcpus=96)
    assert host_family("m3") == HostFamily("m3", sockets=2, cores=20, vcpus=32)
    assert host_family("x1") == HostFamily("x1", sockets=4, cores=72, vcpus=128)
    assert host_family("mac1") == HostFamily("mac1", sockets=1, cores=6, vcpus=12)


def test_a_host_without_published_figures_is_not_guessed() -> None:
    assert [host_family(name) for name in ("t3", "p3dn", "m8i", "t2")] == [None] * 4


@pytest.mark.parametrize("host", host_families(), ids=lambda host: host.name)
def test_a_host_holds_every_type_of_its_family(host: HostFamily) -> None:
    """EN-4: a host has at least the cores and vCPUs of each type that runs on it, and whole cores in each socket."""
    on_it = [
        each
        for each in instance_types()
        if each.family == host.name and each.dedicated_hosts and each.name not in ON_A_LARGER_HOST
    ]
    assert on_it
    assert host.cores >= max(each.cores for each in on_it)
    assert max(each.vcpus for each in on_it) <= host.vcpus <= 2 * host.cores
    assert host.sockets >= 1
    assert host.cores % host.sockets == 0


@given(st.sets(st.integers(min_value=1, max_value=200)))
def test_compact_lists_read_back_as_written(numbers: set[int]) -> None:
    from app.compute.catalogue import _numbers

    assert _numbers(runs(sorted(numbers))) == tuple(sorted(numbers))


def test_a_source_that_contradicts_itself_is_refused() -> None:
    """EN-4 counts cores and vCPUs: a type whose figures don't agree must not enter the catalogue."""
    from scripts.refresh_catalogue import row

    described = {
        "InstanceType": "x9.large",
        "BareMetal": False,
        "DedicatedHostsSupported": True,
        "VCpuInfo": {"DefaultVCpus": 3, "DefaultCores": 1, "DefaultThreadsPerCore": 2},
    }
    with pytest.raises(ValueError, match=r"x9\.large"):
        row(described)


def test_importing_the_catalogue_reads_nothing() -> None:
    """Start-up doesn't pay for what a command may never ask."""
    probe = "import app.compute.catalogue as c; print(c._types.cache_info().currsize + c._hosts.cache_info().currsize)"
    answer = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert answer.stdout == "0\n"
