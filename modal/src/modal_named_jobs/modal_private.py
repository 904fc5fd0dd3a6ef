"""The one place that touches private parts of the `modal` package (checked with 1.6.4).

`@modal.asgi_app` returns a `PartialFunction`. Its options (label, proxy auth, domains) and the
function in it have no public way out. Without them the gateway could not take over the endpoint.

An error of the remote code comes out of `FunctionCall.get` in its own type. Nothing public tells a
`TimeoutError` of the app from the client's own, which means that the call is not over.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from modal._utils.async_utils import synchronizer
from modal.partial_function import PartialFunction
from modal_proto import api_pb2

if TYPE_CHECKING:
    from collections.abc import Callable

    from modal._partial_function import _PartialFunction


@dataclass(frozen=True)
class Marked:
    """What `@modal.asgi_app` and `@modal.concurrent` have noted on a function or class."""

    function: Callable[..., Any] | None
    user_class: type | None
    is_asgi_app: bool = False
    label: str = ""
    requires_proxy_auth: bool = False
    custom_domains: list[str] = field(default_factory=list)
    max_inputs: int | None = None
    target_inputs: int | None = None


def read_marks(marked: object) -> Marked | None:
    """Open what a modal decorator returned. None if it is something else."""
    if not isinstance(marked, PartialFunction):
        return None
    opened: Any = synchronizer._translate_in(marked)  # type: ignore[no-untyped-call]
    inner = cast("_PartialFunction[..., Any, Any]", opened)
    params = inner.params
    web = params.webhook_config
    return Marked(
        function=inner.raw_f,
        user_class=inner.user_cls,
        is_asgi_app=web is not None and web.type == api_pb2.WEBHOOK_TYPE_ASGI_APP,
        label=web.requested_suffix if web else "",
        requires_proxy_auth=web.requires_proxy_auth if web else False,
        custom_domains=[domain.name for domain in web.custom_domains] if web else [],
        max_inputs=params.max_concurrent_inputs,
        target_inputs=params.target_concurrent_inputs,
    )


def raised_remotely(error: BaseException) -> bool:
    """Say whether `get` re-raised an error of the remote code.

    The client hangs the remote source lines on such an error. A container that could not start may
    have sent none: then the error ends in the function of the client that unpacks remote errors.
    """
    if hasattr(error, "__line_cache__"):
        return True
    frames = list(traceback.walk_tb(error.__traceback__))
    return bool(frames) and frames[-1][0].f_code.co_name == "_process_result"
