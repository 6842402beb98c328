"""What Schemathesis has to know of this API that no OpenAPI document can say."""

import re
import uuid

import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase
from schemathesis.openapi.checks import RejectedPositiveData

# A `cursor` is what a page before gave: a drawn one belongs to no list. `seats` are as many as `capacity`, and `quorum`
# is at most as many as `approvers`: a schema cannot compare two fields.
BEYOND_SCHEMA = {"cursor", "/seats", "/quorum"}


@schemathesis.hook
def before_call(context, case, kwargs):
    headers = case.headers or {}
    send_as_documented(case, headers)
    give_new_key(case, headers)


def send_as_documented(case, headers):
    """An example is sent as the document has it: what is optional and not in it is not drawn.

    A drawn `If-Match`, `Lock-Token` or `cursor` is never the right one, and the example would not be seen to work.
    """
    if case.meta is None or case.meta.phase.name != TestPhase.EXAMPLES:
        return
    for location, values in ((ParameterLocation.HEADER, headers), (ParameterLocation.QUERY, case.query or {})):
        for parameter in case.operation.get_parameter_set(location):
            if not parameter.is_required and "example" not in parameter.definition:
                values.pop(parameter.name, None)


def give_new_key(case, headers):
    """Each well-formed request is a command of its own.

    Under a key that was used before, a command is answered without being looked at, and the same few keys are
    drawn again and again.
    """
    key = headers.get("Idempotency-Key")
    parameters = case.operation.schema.raw_schema["components"]["parameters"]
    if isinstance(key, str) and re.search(parameters["IdempotencyKey"]["schema"]["pattern"], key):
        headers["Idempotency-Key"] = str(uuid.uuid4())


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """A well-formed request that is answered 400 is no finding where the answer names nothing but such fields."""
    if not isinstance(failure, RejectedPositiveData) or response.status_code != 400:
        return True
    named = {error["path"] for error in response.json().get("errors", [])}
    return not named or not named <= BEYOND_SCHEMA
