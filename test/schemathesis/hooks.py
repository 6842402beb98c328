"""What Schemathesis has to know of this API that no OpenAPI document can say."""

import re
import uuid

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    """Each well-formed request is a command of its own.

    Under a key that was used before, a command is answered without being looked at, and the same few keys are
    drawn again and again.
    """
    headers = case.headers or {}
    key = headers.get("Idempotency-Key")
    parameters = case.operation.schema.raw_schema["components"]["parameters"]
    if isinstance(key, str) and re.search(parameters["IdempotencyKey"]["schema"]["pattern"], key):
        headers["Idempotency-Key"] = str(uuid.uuid4())
