"""A snapshot as JSON and back, to replay an audit, a plan or a bug report offline, byte for byte."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from ..model import Answer, File, Identity, Problem, Snapshot

FORMAT = 1


def snapshot_to_json(snapshot: Snapshot) -> str:
    data = asdict(replace(snapshot))  # without what services have seen in it
    del data["seen"]
    return json.dumps({"format": FORMAT, **data}, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def snapshot_from_json(text: str, where: str = "") -> Snapshot:
    """Raises Problem for anything that snapshot_to_json() did not write."""
    try:
        data: dict[str, Any] = json.loads(text)
        if data.pop("format") != FORMAT:
            raise ValueError("another format")
        files = {name: File(**file) for name, file in data.pop("files").items()}
        answers = {name: Answer(**{**answer, "argv": tuple(answer["argv"])}) for name, answer in data.pop("answers").items()}
        return Snapshot(identity=Identity(**data.pop("identity")), files=files, answers=answers, **data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Problem(f"not a saved snapshot: {error}", where, "give a file that an audit with save_snapshot wrote") from error
