"""RO-6: policies are judged as IAM judges them; the property tests hold them against a plain model."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.roles.policies import Request, grants, parse, parse_text
from app.roles.rules import ServiceLinkedRoleKind, definitions

ANY = "arn:aws:ec2:us-east-1:111122223333:instance/i-1"


def allows(statements: Any, action: str, resource: str = ANY, **context: str) -> bool:
    tags = {key.replace("__", ":").replace("_SLASH_", "/"): value for key, value in context.items()}
    return grants(parse({"Version": "2012-10-17", "Statement": statements}), Request(action, resource, tags))


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def test_ro_6_nothing_is_granted_that_no_statement_allows() -> None:
    assert not allows([], "s3:GetObject")
    assert not allows([allow("s3:PutObject")], "s3:GetObject")


@pytest.mark.parametrize(
    ("pattern", "action", "granted"),
    [
        ("s3:GetObject", "s3:GetObject", True),
        ("s3:GetObject", "S3:getobject", True),
        ("s3:Get*", "s3:GetBucketPolicy", True),
        ("s3:*", "s3:GetObject", True),
        ("*", "ram:CreateResourceShare", True),
        ("s3:Get?bject", "s3:GetObject", True),
        ("s3:Get?bject", "s3:GetXXbject", False),
        ("s3:GetObject", "s3:GetObjectAcl", False),
        ("s3:G[e]tObject", "s3:GetObject", False),
        ("s3.GetObject", "s3:GetObject", False),
        ("ssm>DeleteResourceDataSync", "ssm:DeleteResourceDataSync", False),
    ],
)
def test_ro_6_actions_match_by_wildcards_whatever_their_case(pattern: str, action: str, granted: bool) -> None:
    assert allows([allow(pattern)], action) is granted


@pytest.mark.parametrize(
    ("pattern", "resource", "granted"),
    [
        ("arn:aws:s3:::aws-license-manager-service-*", "arn:aws:s3:::aws-license-manager-service-a/b", True),
        ("arn:aws:s3:::aws-license-manager-service-*", "arn:aws:s3:::other", False),
        ("arn:aws:s3:::aws-license-manager-service-*", "arn:aws:s3:::AWS-license-manager-service-a", False),
        ("arn:aws:s3:::x-*/resource_sync/*", "arn:aws:s3:::x-1/resource_sync/2026", True),
        ("arn:aws:s3:::x-*/resource_sync/*", "arn:aws:s3:::x-1/other", False),
        ("arn:aws:sns:*:*:t-*", "arn:aws:sns:eu-west-1:111122223333:t-alerts", True),
        ("*", "a\nb", True),
    ],
)
def test_ro_6_resources_match_by_wildcards_and_case(pattern: str, resource: str, granted: bool) -> None:
    assert allows([allow("s3:GetObject", pattern)], "s3:GetObject", resource) is granted


def test_ro_6_a_denial_wins_wherever_it_stands() -> None:
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    for statements in ([allow("*"), deny], [deny, allow("*")]):
        assert not allows(statements, "s3:GetObject")
        assert allows(statements, "ram:CreateResourceShare")


def test_ro_6_a_condition_on_a_tag_is_met_by_its_very_value_alone() -> None:
    statement = allow("ram:*", Condition={"StringEquals": {"aws:RequestTag/Service": ["LicenseManager", "Other"]}})
    key = "aws__RequestTag_SLASH_Service"
    assert allows([statement], "ram:CreateResourceShare", **{key: "LicenseManager"})
    assert allows([statement], "ram:CreateResourceShare", **{key: "Other"})
    assert not allows([statement], "ram:CreateResourceShare", **{key: "licensemanager"})
    assert not allows([statement], "ram:CreateResourceShare")
    assert not allows([statement], "ram:CreateResourceShare", ram__ResourceTag_SLASH_Service="LicenseManager")


@pytest.mark.parametrize(
    "broken",
    [
        {"Effect": "Allow", "Action": "*"},
        {"Effect": "Allow", "Resource": "*"},
        {"Effect": "Maybe", "Action": "*", "Resource": "*"},
        {"Action": "*", "Resource": "*"},
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
        allow("*", Principal="*"),
        allow("*", Condition={"StringLike": {"aws:RequestTag/Service": "*"}}),
        allow("*", Condition="never"),
        allow("*", Condition={"StringEquals": "never"}),
        allow([1, None]),
        "Allow",
        None,
    ],
)
def test_ro_6_what_is_not_understood_grants_nothing(broken: Any) -> None:
    assert not allows([broken], "s3:GetObject", ANY, aws__RequestTag_SLASH_Service="x")


@pytest.mark.parametrize(
    "unclear",
    [
        {"Effect": "Deny", "NotAction": "ec2:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    ],
)
def test_ro_6_a_denial_that_is_not_understood_denies_what_it_might(unclear: dict[str, Any]) -> None:
    assert not allows([allow("*"), unclear], "s3:GetObject")


@pytest.mark.parametrize("document", [None, [], "x", {}, {"Statement": None}, {"Statement": "x"}])
def test_ro_6_what_is_no_policy_grants_nothing(document: Any) -> None:
    assert not grants(parse(document), Request("s3:GetObject", ANY, {}))


def test_ro_6_a_single_statement_need_not_stand_in_a_list() -> None:
    assert allows(allow("s3:GetObject"), "s3:GetObject")


@pytest.mark.parametrize("kind", ServiceLinkedRoleKind)
def test_ro_1_each_role_grants_every_action_that_its_policy_names_and_no_other(kind: ServiceLinkedRoleKind) -> None:
    policy = parse_text(json.dumps(definitions()[kind].policy))
    context = {"aws:RequestTag/Service": "LicenseManager", "ram:ResourceTag/Service": "LicenseManager"}
    for statement in definitions()[kind].policy["Statement"]:
        for action in statement["Action"]:
            resource = statement["Resource"][0].replace("*", "x")
            assert grants(policy, Request(action, resource, context)), action
    assert not grants(policy, Request("iam:CreateUser", "*", context))


# ------------------------------------------------------------ properties

NAMES = st.text("abC:*?", max_size=6)
PATTERNS = st.one_of(NAMES, st.lists(NAMES, min_size=1, max_size=3))
VALUES = st.sampled_from(["x", "y"])
CONDITIONS = st.one_of(st.none(), VALUES, st.lists(VALUES, min_size=1, max_size=2))


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = {
        "Effect": draw(st.sampled_from(["Allow", "Deny"])),
        "Action": draw(PATTERNS),
        "Resource": draw(PATTERNS),
    }
    values = draw(CONDITIONS)
    if values is not None:
        made["Condition"] = {"StringEquals": {"tag": values}}
    return made


def matches(pattern: str, text: str) -> bool:
    """The plain model of a wildcard pattern."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(matches(pattern[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and matches(pattern[1:], text[1:])


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def speaks_of(statement: dict[str, Any], action: str, resource: str, tag: str | None) -> bool:
    condition = statement.get("Condition")
    return (
        any(matches(each.lower(), action.lower()) for each in listed(statement["Action"]))
        and any(matches(each, resource) for each in listed(statement["Resource"]))
        and (condition is None or tag in listed(condition["StringEquals"]["tag"]))
    )


TEXT = st.text("abC:", max_size=6)


@given(st.lists(statements(), max_size=4), TEXT, TEXT, st.one_of(st.none(), VALUES))
def test_ro_6_a_policy_grants_exactly_what_is_allowed_and_not_denied(
    policy: list[dict[str, Any]], action: str, resource: str, tag: str | None
) -> None:
    effects = [each["Effect"] for each in policy if speaks_of(each, action, resource, tag)]
    context = {} if tag is None else {"tag": tag}
    granted = grants(parse({"Statement": policy}), Request(action, resource, context))
    assert granted == ("Allow" in effects and "Deny" not in effects)


@given(st.lists(statements(), max_size=4), TEXT, TEXT, st.data())
def test_ro_6_the_order_of_statements_never_matters(
    policy: list[dict[str, Any]], action: str, resource: str, data: st.DataObject
) -> None:
    request = Request(action, resource, {"tag": "x"})
    shuffled = data.draw(st.permutations(policy))
    assert grants(parse({"Statement": policy}), request) == grants(parse({"Statement": shuffled}), request)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["Statement", "Effect", "Action", "Resource", "Condition", "StringEquals"]), inner
            )
        ),
    )
)
def test_ro_6_no_document_breaks_the_judge(document: Any) -> None:
    assert grants(parse(document), Request("s3:GetObject", ANY, {})) in (True, False)
