"""Schemathesis reads the OpenAPI document and sends what it allows, and what it does not (C6).

Bounded by the number of examples an operation, so that a run takes some ten seconds; multiply by
`TENGE_TEST_SCALE`. The seed is printed with a failure and repeats it.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import (
    ignored_auth,
    negative_data_rejection,
    positive_data_acceptance,
)

from sandbox_api.app import document
from tests.api.sandbox import Sandbox
from tests.scale import rounds

# A well-formed request may name what is not there, or be signed for another ledger: refusing it is
# right. Every case here carries a good key; what bad ones open is held route by route in test_auth.
LEFT_OUT = [positive_data_acceptance, ignored_auth]

EXAMPLES = rounds(20)

schemathesis.serializer.alias("application/jose", "text/plain")
schemathesis.serializer.alias("application/x-ndjson", "text/plain")
SCHEMA = schemathesis.openapi.from_dict(json.loads(document()))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_input_breaks_the_server_or_its_word(case: Any, sandbox: Sandbox) -> None:
    if str((case.query or {}).get("wait", "")).isdigit():
        case.query["wait"] = 0  # waiting is held by test_events
    response = case.call(app=sandbox.app, headers={"Authorization": f"Bearer {sandbox.secret}"})
    # A batch is answered line by line: what is wrong with a line stands in the line.
    in_lines = [negative_data_rejection] if case.path.endswith("/batch") else []
    left_out = [*LEFT_OUT, *in_lines]
    case.validate_response(response, excluded_checks=left_out)
