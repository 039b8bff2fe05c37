"""An API on FastAPI where a revoked token stops at once: the issuer is asked about each.

CLIENT_ID and CLIENT_SECRET are those of a client that may introspect AUDIENCE:
troth client create --name "My API" --grant-type client_credentials --introspects AUDIENCE
"""

import os
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI

from troth_guard import AccessToken, Guard, Options

guard = Guard(
    issuer=os.environ["ISSUER"],
    audience=os.environ["AUDIENCE"],
    online=True,
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    options=Options(cache_seconds=0),
)
app = FastAPI()
guard.install(app)


@app.get("/things")
async def things(
    token: Annotated[AccessToken, Depends(guard.scopes("read_write"))],
) -> dict[str, str | None]:
    return {"owner": token.sub, "asked_by": token.client_id}


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8002")), log_level="warning")
