"""docs/reference/endpoints.md: what is mounted where, and what it says of itself."""

import inspect
import json
from collections.abc import Iterable
from types import ModuleType

from troth.client_auth import CLIENT_AUTH
from troth.endpoints import ENDPOINTS
from troth.grants import GRANTS
from troth.settings import Settings

_ISSUER = "https://login.example"

_INTRODUCTION = f"""# Endpoints

Paths are below the issuer's own path. The members of the server metadata are shown for the issuer
`{_ISSUER}`; each endpoint states its own, so the metadata names nothing that is not mounted.
"""


def render() -> str:
    """The page."""
    settings = Settings(issuer=_ISSUER)
    parts = [_INTRODUCTION]
    for endpoint in ENDPOINTS:
        paths = endpoint.paths(settings)
        first = f"## {' · '.join(f'`{path}`' for path in paths)}\n\n{_says(endpoint)}\n"
        cors = "the origins of public clients" if endpoint.cors else "none"
        facts = f"Methods: {', '.join(endpoint.methods)}. Cross-origin: {cors}.\n"
        parts += [first, facts]
        if members := dict(endpoint.members(settings)):
            parts.append(f"```json\n{json.dumps(members, indent=2)}\n```\n")
    parts += ["## Grant types\n", _list((grant.grant_type, grant) for grant in GRANTS)]
    parts += ["## Client authentication\n", _list((way.method, way) for way in CLIENT_AUTH)]
    return "\n".join(parts)


def _list(entries: Iterable[tuple[str, object]]) -> str:
    says = [
        (name, _says(module).removeprefix(f"`{name}`").lstrip(": ")) for name, module in entries
    ]
    return "".join(f"- `{name}`: {text}\n" for name, text in says)


def _says(module: object) -> str:
    """The first paragraph of a module's docstring, on one line."""
    assert isinstance(module, ModuleType)
    return " ".join((inspect.getdoc(module) or "").split("\n\n")[0].split())
