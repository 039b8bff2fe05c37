"""An API on Starlette that takes the access tokens of one issuer.

ISSUER=https://login.example AUDIENCE=https://api.example python examples/protect_starlette.py
"""

import os

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from troth_guard import AccessToken, Guard

guard = Guard(issuer=os.environ["ISSUER"], audience=os.environ["AUDIENCE"])


@guard.require("read_write")
async def things(request: Request, token: AccessToken) -> Response:
    return JSONResponse({"owner": token.sub, "asked_by": token.client_id})


app = Starlette(routes=[Route("/things", things)])

if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8002")), log_level="warning")
