"""Answers of AWS, written as the AWS CLI (version 2) prints them: pages joined, times in ISO 8601."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore import xform_name
from botocore.client import BaseClient


def answer(client: BaseClient, operation: str, **parameters: Any) -> dict[str, Any]:
    """All pages of an operation, such as describe-instances, as one answer."""
    method = xform_name(operation.replace("-", "_"))
    if client.can_paginate(method):
        pages = client.get_paginator(method).paginate(**parameters).build_full_result()
        return {key: value for key, value in pages.items() if key != "NextToken"}
    single = getattr(client, method)(**parameters)
    return {key: value for key, value in single.items() if key not in ("ResponseMetadata", "NextToken")}


def write(path: Path, content: Mapping[str, Any]) -> None:
    """One answer in a file, indented by one column to stay small."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False, default=_time) + "\n", encoding="utf-8")


def _time(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is nothing that the AWS CLI prints")
